"""`detlite compile`: what an accelerator runs, made by the accelerator's own compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import WorkCommand, option_group
from detlite.commands.completion import names_of
from detlite.commands.console import emit_json, notice, progress
from detlite.commands.options import force_option, json_option, out_option
from detlite.commands.target import fail_on_option, multiple_subgraphs_option
from detlite.convert.artifact import open_artifact, prepare_output, write_folder
from detlite.convert.targets.edgetpu.compile import CompileOptions
from detlite.convert.targets.edgetpu.compiler import Compiler, find_compiler
from detlite.convert.targets.edgetpu.gates import check_gates, parse_gates
from detlite.convert.targets.edgetpu.job import (
    CompileJob,
    figures_of,
    files_of,
    files_without_compiler,
    prepare,
    refuse_hopeless,
    run_jobs,
)
from detlite.convert.targets.edgetpu.outcome import fix_lines, outcome_lines, outcome_record
from detlite.convert.targets.edgetpu.record import FIGURES, prediction_record, verdict
from detlite.convert.targets.edgetpu.repair import fix_names
from detlite.convert.targets.google_tensor.compile import SOCS, compile_for_tensor, require_sdk
from detlite.runtime.errors import InputError, MissingToolError


@click.command(cls=WorkCommand)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(["edgetpu", *SOCS]), required=True, help="Accelerator to compile for.")
@out_option
@option_group(
    "Before the compiler runs",
    click.option(
        "--fix",
        "fixes",
        multiple=True,
        metavar="NAME",
        shell_complete=names_of(fix_names),
        help="Change the model so that more of it is mapped: a fix of `inspect --target edgetpu`, or all-lossless. "
        "Repeatable.",
    ),
    click.option("--ignore-prediction", is_flag=True, help="Run the compiler even if it is predicted to refuse."),
)
@option_group(
    "The Edge TPU compiler",
    click.option(
        "--compiler", metavar="COMMAND", help="Compiler or wrapper to run (default: EDGETPU_COMPILER, then the PATH)."
    ),
    multiple_subgraphs_option,
    click.option(
        "--search-step",
        type=click.IntRange(0, 1000),
        default=30,
        show_default=True,
        help="Step of the compiler's search for a delegation; 0: no search.",
    ),
    click.option(
        "--num-segments",
        type=click.IntRange(1, 16),
        default=1,
        show_default=True,
        help="Number of segments when pipelining over several Edge TPUs.",
    ),
    click.option("--cut-at", multiple=True, metavar="TENSOR", help="Cut the model at this tensor. Repeatable."),
    click.option(
        "--min-runtime", type=click.IntRange(10, 14), help="Oldest Edge TPU runtime that must load the compiled file."
    ),
    click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(1, 86_400),
        default=900,
        show_default=True,
        help="Longest time of one compilation, in seconds.",
    ),
    click.option(
        "--retries",
        type=click.IntRange(0, 10),
        default=1,
        show_default=True,
        help="Number of retries after a crash or a timeout.",
    ),
)
@fail_on_option
@force_option
@json_option
def command(models: tuple[Path, ...], target: str, out: Path, as_json: bool, **values: Any) -> None:
    """Compile int8 MODELS (.tflite files, or folders that detlite wrote) for the Edge TPU, or one for a Pixel's TPU.

    \b
    detlite compile out/int8 --target edgetpu -o out/coral
    detlite compile detect.tflite --target edgetpu --fix all-lossless -o out/coral --fail-on "unmapped>1"
    detlite compile big.tflite --target edgetpu --num-segments 2 -o out/pipeline
    detlite compile out/int8 --target tensor_g4 -o out/pixel9

    The compiler is proprietary: install it, or name a wrapper (a container, an ssh script), which is called with the
    compiler's own arguments in the folder that holds the model; {folder} in it stands for that. Several models are
    compiled together, to share the chip's memory. Without --fix a model is compiled as it is; `detlite inspect
    --target edgetpu` says what would help.
    """
    if target in SOCS:
        _for_tensor(models, target, out, values, as_json=as_json)
        return
    gates = parse_gates(values["fail_on"], FIGURES)
    prepare_output(out, force=values["force"])
    options = _options(values)
    with progress() as report:
        jobs = [
            prepare(path, values["fixes"], multiple_subgraphs=options.multiple_subgraphs, progress=report)
            for path in models
        ]
        if not as_json:
            for line in (line for job in jobs for line in fix_lines(job.applied)):
                click.echo(line)
        if not values["ignore_prediction"]:
            refuse_hopeless(jobs)
        compiler = _compiler(jobs, out, values, as_json=as_json)
        if compiler.caution is not None:
            notice(compiler.caution)
        outcomes, made = run_jobs(jobs, compiler, options, progress=report)
    write_folder(out, files_of(outcomes, made, compiler), force=values["force"])
    if as_json:
        emit_json("compile", outcome_record(outcomes, made, compiler, out).to_record())
    else:
        for line in outcome_lines(outcomes, made, compiler, out):
            click.echo(line)
    for outcome in outcomes:
        for text in outcome.differences:
            notice(f"{outcome.job.name}: {text}")
        check_gates(gates, figures_of(outcome))


def _for_tensor(models: tuple[Path, ...], target: str, out: Path, values: dict[str, Any], *, as_json: bool) -> None:
    own = ("fixes", "compiler", "multiple_subgraphs", "min_runtime", "cut_at", "fail_on", "ignore_prediction")
    wrong = [name for name in own if values[name]] + (["num_segments"] if values["num_segments"] > 1 else [])
    if wrong or len(models) > 1:
        what = f"--{wrong[0].replace('_', '-')}" if wrong else f"{len(models)} models"
        raise InputError(f"{what}: that is for the Edge TPU; for {target} give one model, and none of its options")
    artifact = open_artifact(models[0])
    require_sdk()
    prepare_output(out, force=values["force"])
    with progress() as report:
        record = compile_for_tensor(artifact, target, out, force=values["force"], progress=report)
    if as_json:
        emit_json("compile_tensor", {**record, "out": str(out)})
    else:
        taken, whole = (sum(one[key] for one in record["subgraphs"]) for key in ("taken", "operators"))
        click.echo(f"{out}: {taken} of {whole} operators for {record['soc']}'s TPU")


def _options(values: dict[str, Any]) -> CompileOptions:
    if values["num_segments"] > 1 and (values["multiple_subgraphs"] or values["cut_at"]):
        raise InputError("--num-segments cuts the model itself: leave --multiple-subgraphs and --cut-at away")
    return CompileOptions(
        multiple_subgraphs=values["multiple_subgraphs"],
        search_step=values["search_step"],
        timeout_s=values["timeout_s"],
        retries=values["retries"],
        min_runtime_version=values["min_runtime"],
        num_segments=values["num_segments"],
        intermediate_tensors=values["cut_at"],
    )


def _compiler(jobs: list[CompileJob], out: Path, values: dict[str, Any], *, as_json: bool) -> Compiler:
    """Return the compiler; without one, say which int8 file waits for it, and what it will do with that.

    Raises:
        MissingToolError: there is none; models that a fix changed are written to *out*.
    """
    try:
        return find_compiler(values["compiler"])
    except MissingToolError as error:
        fixed = files_without_compiler(jobs)
        if fixed:
            write_folder(out, fixed, force=values["force"])
        waiting = [out / f"{job.name}.tflite" if job.applied else job.path for job in jobs]
        if as_json:
            records = [
                {"path": str(path), **prediction_record(job.prediction).to_record()}
                for path, job in zip(waiting, jobs, strict=True)
            ]
            emit_json("compile", {"compiler": None, "models": records})
        said = "; ".join(f"{path}: {verdict(job.prediction)}" for path, job in zip(waiting, jobs, strict=True))
        raise MissingToolError(f"{error}. What waits to be compiled: {said}") from error
