"""`detlite run`: from a trained detector to a measured int8 model and a report; or run a saved job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from detlite.calibration.numbers.scheme import check_packing, io_of, scheme_called
from detlite.calibration.recipe import Recipe
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.completion import model_or_file
from detlite.commands.console import emit_json, notice, progress, say
from detlite.commands.device_options import device_option, devices_asked_for
from detlite.commands.job import SUFFIX, overrides_in, read_job, run_job
from detlite.commands.options import RATIO, FiniteRange, json_option
from detlite.commands.rebuilding import checkpoint_options, take_given
from detlite.commands.recipe_options import check_plugins, recipe_options
from detlite.convert.find_source import locate
from detlite.convert.requests import Given
from detlite.convert.zoo.fetch import fetch
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import Progress, begin
from detlite.studies.report.write import write_report
from detlite.studies.run.images import CalibrationChoice, ImageSets, coco_sets, demo_sets, folder_sets, video_sets
from detlite.studies.run.judge import MIN_FIDELITY, MIN_MAP_RATIO, Judgement, Wanted, judge
from detlite.studies.run.ledger import Ledger, open_ledger
from detlite.studies.run.publish import to_report
from detlite.studies.run.run import DEPLOYED, REPORT, Results, RunSettings, run_source, run_stages, steps_of

DEFAULT_MODEL = "ssdlite_mobilenet_v2_coco"
DEFAULT_OUT = Path("detlite-run")
RECIPE = ("scheme", "method", "io", "estimator", "floating")
CHECKPOINT = ("config", "checkpoint", "experiment", "averages", "way")
FOR_IMAGES = ("calibrate", "count", "seed", "method", "estimator", "floating")
"""Options that a scheme which only packs weights does not take."""


@click.command(cls=WorkCommand)
@click.argument("model", default=DEFAULT_MODEL, shell_complete=model_or_file)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for the models and the report.",
)
@option_group("Checkpoint, instead of MODEL", checkpoint_options)
@option_group(
    "Images",
    click.option(
        "--coco",
        nargs=2,
        type=click.Path(path_type=Path),
        metavar="IMAGES ANNOTATIONS",
        help="COCO images and labels, to score with, and to calibrate with unless --calibrate is given.",
    ),
    click.option(
        "--images", type=click.Path(path_type=Path), help="Folder of images without labels, or a file that lists them."
    ),
    click.option(
        "--videos",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Folder of videos without labels, for a classifier of video.",
    ),
    click.option(
        "--calibrate",
        type=click.Path(path_type=Path),
        metavar="IMAGES",
        help="Other images or videos to calibrate with, as --images or --videos, so that all of the others are scored.",
    ),
    click.option(
        "--count",
        type=click.IntRange(1),
        default=100,
        show_default=True,
        help="Maximum number of images to calibrate with; of videos, of clips or frames.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice of images."),
)
@option_group("Quantization", recipe_options)
@option_group(
    "Gates",
    click.option(
        "--min-fidelity",
        type=FiniteRange(0, 100),
        default=MIN_FIDELITY,
        show_default=True,
        help="Minimum fidelity of the int8 model to the float model in percent to pass.",
    ),
    click.option(
        "--min-map-ratio",
        type=RATIO,
        help=f"Minimum ratio to the float model's COCO mAP to pass, such as 0.9 or 90%.  [default: {MIN_MAP_RATIO:g}%]",
    ),
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Label map or file with a list of class names.",
)
@option_group(
    "Measurement",
    click.option(
        "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
    ),
    device_option,
)
@click.option("--force", is_flag=True, help="With a job: replace its earlier output.")
@json_option
@click.pass_context
def command(context: click.Context, /, model: str, out: Path, as_json: bool, **values: Any) -> Any:
    """Run the whole pipeline on MODEL: fetch, convert, calibrate, quantize, prove, measure, score, report.

    \b
    detlite run
    detlite run --config pipeline.config --checkpoint model.ckpt-50000 --labels map.pbtxt --coco val/ val.json -o out
    detlite run movinet/ --videos clips/ -o out
    detlite run quantize.toml -o out/again

    MODEL is a detector, or a classifier of video: a name from the zoo, a file, a folder or an archive; a float
    .tflite or an artifact of one also works. Instead, --config with --checkpoint rebuilds one of the TF Object
    Detection API or of TF-Vision. Finished stages are kept in the output folder: the same command resumes where it
    was interrupted.

    MODEL can also be a job, a .toml file that `--save-job` wrote: its command is run. Options given here
    replace those of the job.
    """
    if model.endswith(SUFFIX):
        path = Path(model)
        return run_job(read_job(path), path, overrides_in(context))
    if values["force"]:
        raise InputError(
            "--force works only with a job: a run resumes in its folder, and never replaces files of others"
        )
    _check(values)
    devices = devices_asked_for([values["device"]] if values["device"] else [], values["inventory"])
    is_given = context.get_parameter_source("model") is not ParameterSource.DEFAULT
    rebuilt = values["config"] or values["checkpoint"]
    ledger = open_ledger(out)
    with progress() as report:
        found = None if rebuilt and not is_given else str(_source(model, report))
    settings = RunSettings(
        given=take_given(found, {name: values[name] for name in CHECKPOINT}),
        labels=values["labels"],
        recipe=Recipe(heads="raw", **{name: values[name] for name in RECIPE}),
        threads=values["threads"],
        device=devices[0] if devices else None,
    )
    source = run_source(settings.given)
    with progress(steps_of(source)) as report:
        results = run_stages(ledger, source, _images(ledger, values), settings, report)
        begin(report, REPORT)
        judgement = judge(results, _wanted(values))
        name = _name(model if is_given or not rebuilt else None, settings.given)
        html, _markdown, _json = write_report(to_report(results, judgement, name, ledger.date), out)
    if ledger.reused:
        notice(f"already done and kept: {', '.join(ledger.reused)}")
    _say(results, judgement, html, as_json)
    if not judgement.passed:
        raise FindingError(judgement.verdict)
    return 0


def _check(values: dict[str, Any]) -> None:
    """Check that the options go together, before any work."""
    if sum(bool(values[name]) for name in ("coco", "images", "videos")) > 1:
        raise InputError("give one of --coco, --images and --videos")
    if values["min_map_ratio"] is not None and not values["coco"]:
        raise InputError("--min-map-ratio needs labels: give --coco IMAGES ANNOTATIONS")
    if values["calibrate"] is not None and not (values["coco"] or values["images"] or values["videos"]):
        raise InputError("--calibrate needs images to score with: give --coco, --images or --videos")
    check_plugins(values)
    io_of(values["scheme"], values["io"])
    if scheme_called(values["scheme"]).is_packing:
        context = click.get_current_context()
        flags = {str(option.name): option.opts[0] for option in context.command.params}
        asked = [name for name in FOR_IMAGES if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        check_packing(values["scheme"], tuple(flags[name] for name in asked))


def _wanted(values: dict[str, Any]) -> Wanted:
    ratio = values["min_map_ratio"]
    return Wanted(values["min_fidelity"], MIN_MAP_RATIO if ratio is None else 100 * ratio)


def _source(model: str, report: Progress) -> Path:
    is_path = Path(model).exists() or "/" in model or Path(model).suffix
    return locate(model, notice=notice) if is_path else fetch(model, progress=report, notice=notice).path


def _name(model: str | None, given: Given) -> str:
    """Return what the report calls the detector: the file, the folder or the zoo's name; of a checkpoint its prefix."""
    return str(given.checkpoint and given.checkpoint.name) if model is None else Path(model).name


def _images(ledger: Ledger, values: dict[str, Any]) -> ImageSets:
    needed = not scheme_called(values["scheme"]).is_packing
    choice = CalibrationChoice(values["count"], values["seed"], values["calibrate"], needed)
    if values["videos"]:
        return video_sets(values["videos"], choice)
    if values["coco"]:
        folder, labels = values["coco"]
        return coco_sets(folder, labels, choice)
    return folder_sets(values["images"], choice) if values["images"] else demo_sets(ledger)


def _say(results: Results, judgement: Judgement, html: Path, as_json: bool) -> None:
    folder = html.parent
    if as_json:
        made = [*results.names, *([f"{results.name}_{DEPLOYED}"] if results.deployed else [])]
        artifacts = {name: str(folder / name) for name in made}
        fidelity, speed = results.scores["fidelity"], judgement.speed
        record = {
            "verdict": judgement.verdict,
            "passed": judgement.passed,
            "status": judgement.status,
            "gates": [gate.to_record() for gate in judgement.gates],
            "cautions": list(judgement.cautions),
            "report": str(html),
            "artifacts": artifacts,
            "fidelity": fidelity["value"],
            "fidelity_interval": fidelity["interval"],
            "images": fidelity["images"],
            "latency_ratio": speed and speed.ratio,
            "latency_ratio_interval": speed and [speed.low, speed.high],
            "coco": results.scores["coco"],
            "parity": results.parity,
            "unrepaired": results.unrepaired,
        }
        emit_json("run_result", record)
        return
    for caution in judgement.cautions:
        notice(f"caution: {caution}")
    say(f"{judgement.verdict} Models in {folder}, report: {html}")
