"""From CPU models to compiled files: fix, predict, compile, and compare with both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.artifact import history_json, known_artifact, step
from detlite.convert.model import digest
from detlite.convert.target import COMPARE, COMPILE
from detlite.convert.targets.edgetpu.compile import Compilation, CompileOptions, compile_models
from detlite.convert.targets.edgetpu.compiled import Compiled, totals
from detlite.convert.targets.edgetpu.compiler import Compiler
from detlite.convert.targets.edgetpu.fix import FixInput
from detlite.convert.targets.edgetpu.log import CompilerLog
from detlite.convert.targets.edgetpu.predict import Prediction, predict
from detlite.convert.targets.edgetpu.record import log_rows, verdict
from detlite.convert.targets.edgetpu.repair import Applied, repair
from detlite.convert.targets.edgetpu.twin import compare_twins
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Step, sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import Progress, begin, silent

SIDES = {True: "Edge TPU", False: "CPU"}


@dataclass(frozen=True, eq=False)
class CompileJob:
    """One model to compile.

    Attributes:
        name: its files' name, without `.tflite`.
        path: the CPU model that was given.
        model: as it will be compiled.
        history: its artifact's history; empty if it had none.
        applied: the fixes that were applied.
        prediction: what the compiler is expected to do.
    """

    name: str
    path: Path
    model: FixInput
    history: tuple[Step, ...]
    applied: tuple[Applied, ...]
    prediction: Prediction


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result for one model.

    Attributes:
        job: the model.
        compiled: its compiled files by name: one, or a pipeline's segments.
        mapped: for each operator of the CPU model, whether the Edge TPU runs it; None for segments, which the schema
            does not tie to operators.
        differences: where the compiler deviated from the prediction, one sentence each.
    """

    job: CompileJob
    compiled: Mapping[str, Compiled]
    mapped: tuple[bool, ...] | None
    differences: tuple[str, ...]


def prepare(path: Path, fixes: Sequence[str], *, multiple_subgraphs: bool, progress: Progress = silent) -> CompileJob:
    """Return the model at *path*, a .tflite or an artifact, with *fixes*, and what the compiler will do with it.

    Raises:
        InputError: there is no model, it is damaged or already compiled, or a fix finds nothing to change.
        FindingError: a fix is not proven.
    """
    if path.is_file():
        predict(path.read_bytes(), str(path))  # reports a faulty model first
    artifact = known_artifact(path)
    file = path if artifact is None else artifact.model
    name = path.name.removesuffix(".tflite")
    contract, history = (None, ()) if artifact is None else (artifact.contract, artifact.history)
    given = FixInput(file.read_bytes(), contract)
    model, applied = repair(given, fixes, progress=progress)
    prediction = predict(model.data, str(path), multiple_subgraphs=multiple_subgraphs)
    return CompileJob(name, file, model, history, applied, prediction)


def refuse_hopeless(jobs: Sequence[CompileJob]) -> None:
    """Raise `InputError` for the first model that the compiler would refuse, or of which nothing would map."""
    for job in jobs:
        if job.prediction.refusal is not None or not job.prediction.mapped:
            raise InputError(
                f"{job.path}: {verdict(job.prediction)}; nothing was compiled (--ignore-prediction runs the compiler "
                "anyway)"
            )


def run_jobs(
    jobs: Sequence[CompileJob], compiler: Compiler, options: CompileOptions, *, progress: Progress = silent
) -> tuple[tuple[Outcome, ...], Compilation]:
    """Compile *jobs* together with *compiler*, and compare each result with its CPU model and its prediction.

    Raises:
        InputError: the compiler refuses a model, or two models have the same name.
        DeviceError: the compiler failed.
        FindingError: a compiled file does not belong to its CPU model.
    """
    models = {job.name: job.model.data for job in jobs}
    if len(models) != len(jobs):
        raise InputError(f"models of the same name cannot be compiled together: {', '.join(job.name for job in jobs)}")
    begin(progress, COMPILE)
    made = compile_models(models, compiler, options, progress=progress)
    begin(progress, COMPARE)
    return tuple(_outcome(job, made, options) for job in jobs), made


def _outcome(job: CompileJob, made: Compilation, options: CompileOptions) -> Outcome:
    own = {name: item for name, item in made.compiled.items() if _stem(name, options.num_segments) == job.name}
    if options.num_segments > 1:
        _check_chain(job, list(own.values()))
        return Outcome(job, own, None, ())
    ((name, compiled),) = own.items()
    twins = compare_twins(job.prediction.graph, compiled)
    if twins.findings:
        raise FindingError(f"{name} is not {job.path} compiled: {'; '.join(twins.findings)}")
    sizes = [] if twins.size_finding is None else [twins.size_finding]
    differences = [*_differences(job, twins.mapped, compiled), *sizes, *_log_differences(job, made.log)]
    return Outcome(job, own, twins.mapped, tuple(differences))


def _stem(name: str, segments: int) -> str:
    stem = name.removesuffix("_edgetpu.tflite")
    return stem.rsplit("_segment_", 1)[0] if segments > 1 else stem


def _check_chain(job: CompileJob, segments: Sequence[Compiled]) -> None:
    """Check that a pipeline's segments have the model's inputs and outputs, and make what the next ones read."""
    known = {tensor.name for tensor in segments[0].graph.inputs}
    wanted = {tensor.name for tensor in job.prediction.graph.inputs}
    if known != wanted:
        raise FindingError(f"the first segment reads {sorted(known)}, and the model {sorted(wanted)}")
    for number, segment in enumerate(segments):
        missing = {tensor.name for tensor in segment.graph.inputs} - known
        if missing:
            raise FindingError(f"segment {number} takes {sorted(missing)[0]!r:.80}, which no earlier segment makes")
        known |= {tensor.name for tensor in segment.graph.outputs}
    lost = {tensor.name for tensor in job.prediction.graph.outputs} - known
    if lost:
        raise FindingError(f"no segment makes the model's output {sorted(lost)[0]!r:.80}")


def _differences(job: CompileJob, mapped: Sequence[bool], compiled: Compiled) -> list[str]:
    found = [
        f"operator {fate.index}, {fate.name}, was predicted on the {SIDES[fate.mapped]} but is on the {SIDES[real]}"
        for fate, real in zip(job.prediction.fates, mapped, strict=True)
        if fate.mapped is not real
    ]
    if len(compiled.packages) != job.prediction.subgraphs:
        found.append(
            f"{counted(job.prediction.subgraphs, 'subgraph was', 'subgraphs were')} predicted but there are "
            f"{len(compiled.packages)}"
        )
    return found


def _log_differences(job: CompileJob, log: CompilerLog) -> list[str]:
    """Return where the compiler's table differs from the prediction; logs of several models have one for each."""
    if len(log.models) != 1 or not log.models[0].rows:
        return []
    custom = {op.name for op in job.prediction.graph.operators if op.is_custom}
    predicted, logged = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for name, number, status in log_rows(job.prediction):
        predicted["CUSTOM" if name in custom else name, status] += number
    for row in log.models[0].rows:
        logged[row.operator, row.status] += row.count
    return [
        f"the log has {logged[key]} {key[0]} {key[1]!r}, and {predicted[key]} were predicted"
        for key in sorted(predicted | logged)
        if logged[key] != predicted[key]
    ]


def figures_of(outcome: Outcome) -> dict[str, float]:
    """Return the figures for gates, from the compiled files; segments count together."""
    sums = [totals(item) for item in outcome.compiled.values()]
    on_cpu = sum(len(one["cpu_operators"]) for one in sums)
    return {
        "unmapped": on_cpu,
        "mapped": len(outcome.job.prediction.fates) - on_cpu,
        "subgraphs": sum(one["subgraphs"] for one in sums),
        "streamed": sum(one["streamed_bytes"] for one in sums),
        "parameters": sum(one["cached_bytes"] + one["streamed_bytes"] for one in sums),
    }


def files_of(outcomes: Sequence[Outcome], made: Compilation, compiler: Compiler) -> dict[str, bytes]:
    """Return the files to write: compiled models, log, fixed CPU models, history; for one model contract and labels."""
    files = dict(made.files)
    steps: list[Step] = []
    for outcome in outcomes:
        job = outcome.job
        files[f"{job.name}_edgetpu.log"] = made.text.encode()
        if job.applied:
            files[f"{job.name}.tflite"] = job.model.data
        done = step("compile edgetpu", input_sha256=digest(job.model.data), compiler=compiler.version)
        outputs = {name: digest(made.files[name]) for name in outcome.compiled}
        fixes = [fix.name for fix in job.applied]
        steps += [*job.history, {**done, "fixes": fixes, "outputs": outputs}]
    contract = outcomes[0].job.model.contract
    if len(outcomes) == 1 and contract is not None:
        files[CONTRACT] = contract.to_json().encode()
        files[LABELS] = "".join(f"{label}\n" for label in contract.labels).encode()
    files[HISTORY] = history_json(steps, files).encode()
    return files


def files_without_compiler(jobs: Sequence[CompileJob]) -> dict[str, bytes]:
    """Return the fixed CPU models, ready for a compiler, and their history; empty if no fix changed one."""
    fixed = [job for job in jobs if job.applied]
    files = {f"{job.name}.tflite": job.model.data for job in fixed}
    if fixed:
        done = [
            step("fix edgetpu", input_sha256=sha256_of(job.path), fixes=[fix.name for fix in job.applied])
            for job in fixed
        ]
        steps = [{**one, "output_sha256": digest(job.model.data)} for one, job in zip(done, fixed, strict=True)]
        files[HISTORY] = history_json(steps, files).encode()
    return files
