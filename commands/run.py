"""`detlite run`: from a trained detector to a measured int8 model and a report; or run a saved job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import WorkCommand, option_group
from detlite.commands.completion import model_or_file
from detlite.commands.console import emit_json, notice, progress, say
from detlite.commands.job import SUFFIX, overrides_in, read_job, run_job
from detlite.commands.options import RATIO, json_option
from detlite.convert.find_source import locate
from detlite.convert.zoo.fetch import fetch
from detlite.runtime.errors import FindingError, InputError
from detlite.runtime.progress import Progress
from detlite.studies.report.write import write_report
from detlite.studies.run.images import ImageSets, coco_sets, demo_sets, folder_sets
from detlite.studies.run.judge import MIN_FIDELITY, MIN_MAP_RATIO, Judgement, Wanted, judge
from detlite.studies.run.ledger import Ledger, open_ledger
from detlite.studies.run.publish import to_report
from detlite.studies.run.run import DEPLOYED, FLOAT, INT8, Results, RunSettings, run_stages, trained_source

DEFAULT_MODEL = "ssdlite_mobilenet_v2_coco"
DEFAULT_OUT = Path("detlite-run")


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
@option_group(
    "Images",
    click.option(
        "--coco",
        nargs=2,
        type=click.Path(path_type=Path),
        metavar="IMAGES ANNOTATIONS",
        help="COCO images and labels, to calibrate and score with.",
    ),
    click.option(
        "--images", type=click.Path(path_type=Path), help="Folder of images without labels, or a file that lists them."
    ),
    click.option(
        "--count",
        type=click.IntRange(1),
        default=100,
        show_default=True,
        help="Maximum number of images to calibrate with.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice of images."),
)
@option_group(
    "Gates",
    click.option(
        "--min-fidelity",
        type=click.FloatRange(0, 100),
        default=MIN_FIDELITY,
        show_default=True,
        help="Minimum fidelity of the int8 model to the float model in percent to pass.",
    ),
    click.option(
        "--min-map-ratio",
        type=RATIO,
        help=f"Minimum ratio to the float model's COCO mAP to pass, such as 0.9 or 90%  [default: {MIN_MAP_RATIO:g}%]",
    ),
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Label map or file with a list of class names.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Number of interpreter threads."
)
@click.option("--force", is_flag=True, help="With a job: replace its earlier output.")
@json_option
@click.pass_context
def command(context: click.Context, /, model: str, out: Path, as_json: bool, **values: Any) -> Any:
    """Run the whole pipeline on MODEL: fetch, convert, calibrate, quantize, prove, measure, score, report.

    \b
    detlite run
    detlite run ssd_mobilenet_v2_coco_2018_03_29.tar.gz --images photos/ -o out
    detlite run ssdlite_mobilenet_v2_coco --coco val2017/ instances_val2017.json -o out
    detlite run quantize.toml -o out/again

    MODEL is a name from the zoo, a file, a folder or an archive. Finished stages are kept in the output folder: the
    same command resumes where it was interrupted.

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
    if values["coco"] and values["images"]:
        raise InputError("give either --coco or --images, not both")
    if values["min_map_ratio"] is not None and not values["coco"]:
        raise InputError("--min-map-ratio needs labels: give --coco IMAGES ANNOTATIONS")
    ratio = values["min_map_ratio"]
    wanted = Wanted(values["min_fidelity"], MIN_MAP_RATIO if ratio is None else 100 * ratio)
    settings = RunSettings(labels=values["labels"], threads=values["threads"])
    ledger = open_ledger(out)
    with progress() as report:
        source = trained_source(_source(model, report))
        results = run_stages(ledger, source, _images(ledger, values), settings, report)
    judgement = judge(results, wanted)
    html, _markdown, _json = write_report(to_report(results, judgement, Path(model).name), out)
    if ledger.reused:
        notice(f"already done and kept: {', '.join(ledger.reused)}")
    _say(results, judgement, html, as_json)
    if not judgement.passed:
        raise FindingError(judgement.verdict)
    return 0


def _source(model: str, report: Progress) -> Path:
    is_path = Path(model).exists() or "/" in model or Path(model).suffix
    return locate(model, notice=notice) if is_path else fetch(model, progress=report, notice=notice).path


def _images(ledger: Ledger, values: dict[str, Any]) -> ImageSets:
    if values["coco"]:
        return coco_sets(*values["coco"], count=values["count"], seed=values["seed"])
    if values["images"]:
        return folder_sets(values["images"], count=values["count"], seed=values["seed"])
    return demo_sets(ledger)


def _say(results: Results, judgement: Judgement, html: Path, as_json: bool) -> None:
    folder = html.parent
    if as_json:
        artifacts = {name: str(folder / name) for name in (FLOAT, INT8, DEPLOYED)}
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
