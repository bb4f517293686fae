"""What a compile did, as JSON and as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from detlite.convert.targets.edgetpu.compile import Compilation
from detlite.convert.targets.edgetpu.compiled import compiled_record, totals
from detlite.convert.targets.edgetpu.compiler import Compiler
from detlite.convert.targets.edgetpu.job import Outcome
from detlite.convert.targets.edgetpu.log import CompilerLog
from detlite.convert.targets.edgetpu.record import prediction_record
from detlite.convert.targets.edgetpu.repair import Applied

Record = dict[str, Any]


def outcome_record(outcomes: Sequence[Outcome], made: Compilation, compiler: Compiler, out: Path) -> Record:
    """Return the facts of a compile."""
    return {
        "out": str(out),
        "compiler": {"command": list(compiler.command), "version": compiler.version, "runs": made.runs},
        "log": log_record(made.log),
        "models": [_model(outcome, out) for outcome in outcomes],
    }


def _model(outcome: Outcome, out: Path) -> Record:
    prediction = prediction_record(outcome.job.prediction)
    operators = prediction.pop("operators")
    if outcome.mapped is not None:
        for operator, real in zip(operators, outcome.mapped, strict=True):
            operator |= {"predicted": operator["mapped"], "mapped": real}
    return {
        "path": str(outcome.job.path),
        "fixes": [applied_record(fix) for fix in outcome.job.applied],
        "files": {name: {"path": str(out / name), **compiled_record(item)} for name, item in outcome.compiled.items()},
        "prediction": prediction,
        "differences": list(outcome.differences),
        "operators": operators,
    }


def applied_record(fix: Applied) -> Record:
    """Return what a fix did, and its proof."""
    return dataclasses.asdict(fix)


def log_record(log: CompilerLog) -> Record:
    """Return what the compiler said."""
    return dataclasses.asdict(log)


def outcome_lines(outcomes: Sequence[Outcome], made: Compilation, compiler: Compiler, out: Path) -> Iterator[str]:
    """Return a compile as lines of text, the verdict last."""
    for outcome in outcomes:
        for name, item in outcome.compiled.items():
            sums = totals(item)
            yield (
                f"{name}: {sums['cached_bytes']} bytes cached, {sums['streamed_bytes']} streamed, "
                f"{sums['instruction_bytes_per_inference']} of instructions, {sums['subgraphs']} subgraph(s), runtime "
                f"{sums['min_runtime_version']} or newer"
            )
    agreed = all(not outcome.differences for outcome in outcomes)
    said = "as predicted" if agreed else "not as predicted, see above"
    yield f"{out}: compiled by edgetpu_compiler {compiler.version} in {made.runs} run(s), {said}; not run on a device"


def fix_lines(applied: Sequence[Applied]) -> Iterator[str]:
    """Return what each fix did, in a line."""
    for fix in applied:
        moved = "outputs are others" if fix.proof.output_difference is None else f"{fix.proof.output_difference:.3g}"
        yield (
            f"fix {fix.name}: {fix.count} place(s), {fix.fidelity}; {fix.proof.places} proven alone, at most "
            f"{fix.proof.place_steps} step(s); whole outputs moved by {moved}"
        )
        if fix.fidelity == "changed":
            yield f"fix {fix.name}: see what it costs on images: detlite evaluate FIXED --images DIR --against MODEL"
