"""What a compile did, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detlite.convert.targets.edgetpu.compile import Compilation
from detlite.convert.targets.edgetpu.compiled import compiled_record, totals
from detlite.convert.targets.edgetpu.compiler import Compiler
from detlite.convert.targets.edgetpu.job import Outcome
from detlite.convert.targets.edgetpu.log import CompilerLog
from detlite.convert.targets.edgetpu.predict import Fate
from detlite.convert.targets.edgetpu.record import PredictionRecord, prediction_record
from detlite.convert.targets.edgetpu.repair import Applied
from detlite.runtime.counts import counted
from detlite.runtime.records import from_record, to_record

Record = dict[str, Any]


@dataclass(frozen=True)
class CompilerUsed:
    """How the compiler was called: its *command*, its *version*, and how many *runs* there were."""

    command: tuple[str, ...]
    version: str | None
    runs: int


@dataclass(frozen=True)
class OperatorOutcome:
    """Where one operator runs as compiled; `predicted` is None if the compiled file does not tell `mapped`."""

    index: int
    name: str
    mapped: bool
    reason: str
    rule: str = ""
    cure: str = ""
    subgraph: int | None = None
    predicted: bool | None = None


@dataclass(frozen=True)
class CompiledModel:
    """One model of a compile.

    Attributes:
        path: of the model that was given.
        prediction: what was predicted of it; its operators are in `operators`.
        fixes: what was changed before, each with its proof.
        files: of each file that was made, its path, sums and packages.
        differences: where the compiled file is not as predicted, a sentence each.
        operators: where each runs.
    """

    path: str
    prediction: PredictionRecord
    fixes: tuple[Applied, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    operators: tuple[OperatorOutcome, ...] = ()


@dataclass(frozen=True)
class CompileRecord:
    """What a compile did: where its files are, how the compiler was called, what it said, and each model."""

    out: str
    compiler: CompilerUsed
    log: CompilerLog
    models: tuple[CompiledModel, ...]

    def to_record(self) -> Record:
        """Return it as JSON can carry it."""
        record: Record = to_record(self)
        for model in record["models"]:
            del model["prediction"]["operators"]
            for operator in model["operators"]:
                if operator["predicted"] is None:
                    del operator["predicted"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CompileRecord:
        """Return what *record* says.

        Raises:
            InputError: a value is not what it must be.
        """
        return from_record(cls, record)


def outcome_record(outcomes: Sequence[Outcome], made: Compilation, compiler: Compiler, out: Path) -> CompileRecord:
    """Return what a compile did."""
    return CompileRecord(
        out=str(out),
        compiler=CompilerUsed(tuple(compiler.command), compiler.version, made.runs),
        log=made.log,
        models=tuple(_model(outcome, out) for outcome in outcomes),
    )


def _model(outcome: Outcome, out: Path) -> CompiledModel:
    fates, found = outcome.job.prediction.fates, outcome.mapped
    seen: Sequence[bool | None] = [None] * len(fates) if found is None else found
    files = {name: {"path": str(out / name), **compiled_record(item)} for name, item in outcome.compiled.items()}
    return CompiledModel(
        path=str(outcome.job.path),
        prediction=replace(prediction_record(outcome.job.prediction), operators=()),
        fixes=tuple(outcome.job.applied),
        files=files,
        differences=tuple(outcome.differences),
        operators=tuple(_operator(fate, real) for fate, real in zip(fates, seen, strict=True)),
    )


def _operator(fate: Fate, real: bool | None) -> OperatorOutcome:
    """Return where the operator of *fate* runs: as the compiled file tells, or as predicted where it does not."""
    mapped, predicted = (fate.mapped, None) if real is None else (real, fate.mapped)
    return OperatorOutcome(fate.index, fate.name, mapped, fate.reason, fate.rule, fate.cure, fate.subgraph, predicted)


def outcome_lines(outcomes: Sequence[Outcome], made: Compilation, compiler: Compiler, out: Path) -> Iterator[str]:
    """Return a compile as lines of text, the verdict last."""
    for outcome in outcomes:
        for name, item in outcome.compiled.items():
            sums = totals(item)
            yield (
                f"{name}: {sums['cached_bytes']} bytes cached, {sums['streamed_bytes']} streamed, "
                f"{sums['instruction_bytes_per_inference']} of instructions, {counted(sums['subgraphs'], 'subgraph')}, "
                f"runtime {sums['min_runtime_version']} or newer"
            )
    agreed = all(not outcome.differences for outcome in outcomes)
    said = "as predicted" if agreed else "not as predicted, see above"
    runs = counted(made.runs, "run")
    yield f"{out}: compiled by edgetpu_compiler {compiler.version} in {runs}, {said}; not run on a device"


def fix_lines(applied: Sequence[Applied]) -> Iterator[str]:
    """Return what each fix did, in a line."""
    for fix in applied:
        moved = "outputs are others" if fix.proof.output_difference is None else f"{fix.proof.output_difference:.3g}"
        yield (
            f"fix {fix.name}: {counted(fix.count, 'place')}, {fix.fidelity}; {fix.proof.places} proven alone, at most "
            f"{counted(fix.proof.place_steps, 'step')}; whole outputs moved by {moved}"
        )
        if fix.fidelity == "changed":
            yield f"fix {fix.name}: see what it costs on images: detlite evaluate FIXED --images DIR --against MODEL"
