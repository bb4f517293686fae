"""Predictions and compilations for the Edge TPU, as records and as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from detlite.convert.artifact import prepare_output, write_folder
from detlite.convert.files.write_file import write_file
from detlite.convert.target import PREDICT, AnswerTable, TargetAnswer, TargetRequest
from detlite.convert.targets.edgetpu.compile import CompileOptions
from detlite.convert.targets.edgetpu.compiler import find_compiler
from detlite.convert.targets.edgetpu.fix import offered
from detlite.convert.targets.edgetpu.gates import EdgeTpuGate, gate_failure, parse_gates
from detlite.convert.targets.edgetpu.job import (
    CompileJob,
    Outcome,
    figures_of,
    files_of,
    files_without_compiler,
    prepare,
    refuse_hopeless,
    run_jobs,
)
from detlite.convert.targets.edgetpu.outcome import fix_lines, outcome_lines, outcome_record
from detlite.convert.targets.edgetpu.picture import picture
from detlite.convert.targets.edgetpu.predict import Prediction, predict
from detlite.convert.targets.edgetpu.record import (
    FIGURES,
    figures,
    log_rows,
    notes,
    prediction_record,
    unmapped_rows,
    verdict,
)
from detlite.runtime.artifact import sha256_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError, InputError, MissingToolError
from detlite.runtime.model_file import model_in
from detlite.runtime.progress import begin


def compile_answer(request: TargetRequest, out: Path, *, force: bool) -> TargetAnswer:
    """Compile the models of *request* together, and compare each with its prediction.

    Raises:
        InputError: a model or an option makes no sense, or the compiler will refuse or refuses a model.
        DeviceError: the compiler failed.
        FindingError: a fix is not proven, or a compiled file does not belong to its CPU model.
    """
    given = request.options
    gates = parse_gates(given["fail_on"], FIGURES)
    prepare_output(out, force=force)
    options = _compile_options(request)
    begin(request.progress, PREDICT)
    jobs = [
        prepare(path, given["fixes"], multiple_subgraphs=options.multiple_subgraphs, progress=request.progress)
        for path in request.models
    ]
    for line in (line for job in jobs for line in fix_lines(job.applied)):
        request.say(line)
    if not given["ignore_prediction"]:
        refuse_hopeless(jobs)
    try:
        compiler = find_compiler(given["compiler"])
    except MissingToolError as error:
        return _without_compiler(jobs, error, out, force=force)
    if compiler.caution is not None:
        request.warn(compiler.caution)
    outcomes, made = run_jobs(jobs, compiler, options, progress=request.progress)
    write_folder(out, files_of(outcomes, made, compiler), force=force)
    return TargetAnswer(
        "compile",
        outcome_record(outcomes, made, compiler, out).to_record(),
        tuple(outcome_lines(outcomes, made, compiler, out)),
        tuple(f"{outcome.job.name}: {text}" for outcome in outcomes for text in outcome.differences),
        _first_failure(gates, outcomes),
    )


def _first_failure(gates: Sequence[EdgeTpuGate], outcomes: Sequence[Outcome]) -> DetliteError | None:
    failures = (gate_failure(gates, figures_of(outcome)) for outcome in outcomes)
    return next((failure for failure in failures if failure is not None), None)


def _compile_options(request: TargetRequest) -> CompileOptions:
    given = request.options
    if given["num_segments"] > 1 and (given["multiple_subgraphs"] or given["cut_at"]):
        raise InputError("--num-segments cuts the model itself: leave --multiple-subgraphs and --cut-at away")
    return CompileOptions(
        multiple_subgraphs=given["multiple_subgraphs"],
        search_step=given["search_step"],
        timeout_s=given["timeout_s"],
        retries=given["retries"],
        min_runtime_version=given["min_runtime"],
        num_segments=given["num_segments"],
        intermediate_tensors=given["cut_at"],
    )


def _without_compiler(jobs: Sequence[CompileJob], error: MissingToolError, out: Path, *, force: bool) -> TargetAnswer:
    """Write the models that a fix changed to *out*; say which int8 files wait for the compiler, and what it will do."""
    fixed = files_without_compiler(jobs)
    if fixed:
        write_folder(out, fixed, force=force)
    waiting = [(out / f"{job.name}.tflite" if job.applied else job.path, job.prediction) for job in jobs]
    records = [{"path": str(path), **prediction_record(prediction).to_record()} for path, prediction in waiting]
    said = "; ".join(f"{path}: {verdict(prediction)}" for path, prediction in waiting)
    failure = MissingToolError(f"{error}. What waits to be compiled: {said}")
    return TargetAnswer("compile", {"compiler": None, "models": records}, (), failure=failure)


def prediction_answer(request: TargetRequest) -> TargetAnswer:
    """Predict where each operator of the model of *request* will run; draw it if a picture is asked for.

    Raises:
        InputError: the model is damaged or compiled already, or an option makes no sense.
    """
    (path,), given = request.models, request.options
    gates = parse_gates(given["fail_on"], FIGURES)
    model = _tflite_in(path)
    prediction = predict(model.read_bytes(), str(path), multiple_subgraphs=given["multiple_subgraphs"])
    said = verdict(prediction)
    if given["picture"] is not None:
        write_file(given["picture"], picture(prediction, path.name, said).encode())
        request.warn(f"picture: {given['picture']}")
    return TargetAnswer(
        "edgetpu_prediction",
        {"path": str(path), "sha256": sha256_of(model), **prediction_record(prediction).to_record()},
        (*_text(prediction), f"{path.name}: {said}"),
        failure=gate_failure(gates, figures(prediction)),
    )


def _tflite_in(path: Path) -> Path:
    """Return the .tflite file that *path* is, or that the artifact there holds.

    Raises:
        InputError: there is none.
    """
    model = model_in(path) if path.is_dir() else path
    if model is None or not model.is_file():
        what = "holds no model" if path.exists() else "does not exist"
        raise InputError(f"{path} {what}; want a .tflite model, or a folder that detlite wrote")
    return model


def _text(prediction: Prediction) -> list[str | AnswerTable]:
    """Return the compiler's log as it will be, and what to do about the operators that stay on the CPU."""
    lines: list[str | AnswerTable] = [
        AnswerTable(("Operator", "Count", "Status (predicted)"), tuple(log_rows(prediction)))
    ]
    if prediction.unmapped_count and prediction.refusal is None:
        columns = ("Place", "Operator", "Why it stays on the CPU", "What to do")
        lines += ["", AnswerTable(columns, tuple(unmapped_rows(prediction)))]
    lines.append("")
    for fix in offered(prediction.graph):
        lines.append(f"could be fixed: {fix.title}, {counted(fix.count, 'place')}: detlite compile --fix {fix.name}")
    return lines + [f"note: {note}" for note in notes(prediction)]
