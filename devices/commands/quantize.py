"""`detlite quantize`: a trained detector becomes an int8 TFLite model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from detlite.calibration.commands.image_options import image_options, wants_lint, wish_of
from detlite.calibration.estimator import ESTIMATORS
from detlite.calibration.method import DEFAULT_METHOD, METHODS
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.quantize import IO_TYPES
from detlite.convert.artifact import prepare_output
from detlite.convert.commands.options import (
    HEADS,
    detector_record,
    force_option,
    json_option,
    out_option,
    source_options,
)
from detlite.convert.console import emit_json, emit_table, notice, progress
from detlite.convert.locate import locate
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import FindingError, InputError, unknown_name
from detlite.runtime.plugins import plugin_names

Record = dict[str, Any]

PLUGINS = (("quantization method", METHODS, "method"), ("range estimator", ESTIMATORS, "estimator"))
GATHER, QUANTIZE = "detlite.calibration.tasks:gather_images", "detlite.calibration.tasks:quantize_source"
GATES = ("min_fidelity", "max_map_drop")
MOST_SCORED = 100  # images that trials are scored on: a trial takes about a second
FEWEST_SCORED = 8  # others than those of the calibration; where there are fewer, these are taken after all


@click.command()
@click.argument("source")
@out_option
@image_options
@click.option("--heads", type=HEADS, help="Raw heads, or the post-processing op; as the source where not said.")
@click.option("--io", type=click.Choice(IO_TYPES), default="int8", show_default=True, help="Input and raw outputs.")
@click.option("--method", default=DEFAULT_METHOD, show_default=True, help="How weights and biases are quantized.")
@click.option("--estimator", default=DEFAULT_ESTIMATOR, show_default=True, help="How ranges are chosen.")
@click.option("--ranges", type=click.Path(path_type=Path), help="A range file, in place of the images' ranges.")
@click.option("--float", "floating", multiple=True, metavar="OPERATOR", help="Leave float: a kind or a name; again.")
@click.option("--min-fidelity", type=click.FloatRange(0, 100), help="Leave operators float until this is reached.")
@click.option("--max-map-drop", type=click.FloatRange(0, 100), help="The same, for a loss of COCO mAP; with --coco.")
@click.option("--explain", is_flag=True, help="Say which operators lose what; adds a page to OUT.")
@click.option("--curve", metavar="N,N,...", help="Fidelity against the number of images; writes no model.")
@source_options
@force_option
@json_option
def command(source: str, out: Path, as_json: bool, **values: Any) -> None:
    """Quantize the trained detector SOURCE to int8, calibrated with images like those that it will see.

    SOURCE is a file, a folder, a zoo archive, a zoo name, or a float32 artifact that `detlite convert` wrote.

    \b
    detlite quantize ssd_mobilenet_v2_coco_2018_03_29.tar.gz -o out/int8 --images photos/
    detlite quantize out/float -o out/int8 --coco train2017/ instances_train2017.json --count 200
    detlite quantize out/float -o out/int8 --images photos/ --min-fidelity 97 --explain
    detlite quantize out/float -o out/int8 --tfrecord train.record --lint-against val2017/ --fail-on-lint
    detlite quantize frozen_inference_graph.pb -o out/int8 --images photos/ --heads postprocess --io uint8
    """
    prepare_output(out, force=values["force"])
    for kind, package, name in PLUGINS:
        if values[name] not in plugin_names(package):
            raise unknown_name(kind, values[name], plugin_names(package))
    counts = _counts(values["curve"])
    _check_together(values)
    task = _task(values)
    scored = 0 if task == QUANTIZE else MOST_SCORED
    wish = wish_of(values, count=max(counts) if counts else values["count"], others=scored)
    with progress() as report:
        gathered = run_in_child(GATHER, {**asdict(wish), "paths": list(map(str, wish.paths))}, progress=report)
        request = _request(source, out, values, gathered) | {"counts": counts}
        answer = run_in_child(task, request, progress=report)
    if as_json:
        emit_json("quantization_curve" if counts else "quantize", answer)
    else:
        _say_findings(answer.get("lint", {}))
    if answer.get("lint_failed"):
        raise FindingError(f"--fail-on-lint: {_count_findings(answer['lint'])} findings; nothing was written")
    if as_json:
        return
    if counts:
        _say_curve(answer)
    else:
        _say(out, len(request["images"]), answer)


def _task(values: Record) -> str:
    if values["curve"]:
        return "detlite.devices.quantization.tasks:measure_curve"
    if values["explain"] or any(values[gate] is not None for gate in GATES):
        return "detlite.devices.quantization.tasks:quantize_judged"
    return QUANTIZE


def _check_together(values: Record) -> None:
    if values["max_map_drop"] is not None and values["coco"] is None:
        raise InputError("--max-map-drop wants labels: give the images with --coco IMAGES ANNOTATIONS")
    if values["curve"] is not None and wants_lint(values):
        raise InputError("--curve and --lint: check the images when the model is written")
    if values["lint_against"] is not None and not values["lint_against"].exists():
        raise InputError(f"--lint-against {values['lint_against']}: there is no such folder, and no such list")


def _request(source: str, out: Path, values: Record, gathered: Record) -> Record:
    enough = len(gathered["others"]) >= FEWEST_SCORED
    lint_against = values["lint_against"] and str(values["lint_against"].absolute())
    lint = {"against": lint_against, "broken": gathered["broken"], "fail": values["fail_on_lint"]}
    return {
        "source": str(locate(source).absolute()),
        "out": str(out.absolute()),
        "force": values["force"],
        "options": detector_record(values),
        "images": gathered["images"],
        "images_origin": gathered["origin"],
        "recipe": {name: values[name] for name in ("method", "io", "heads", "estimator", "floating")},
        "ranges": str(values["ranges"].absolute()) if values["ranges"] else None,
        "held_out": gathered["others"] if enough else gathered["images"][:MOST_SCORED],
        "others": enough,
        "annotations": [str(path.absolute()) for path in values["coco"]] if values["coco"] else None,
        "gates": {gate: values[gate] for gate in GATES if values[gate] is not None},
        "explain": values["explain"],
        "lint": lint if wants_lint(values) else None,
    }


def _counts(text: str | None) -> list[int]:
    if text is None:
        return []
    if not re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5})*", text):
        raise InputError(f"--curve {text!r}: want numbers of images, such as 8,16,32,64")
    return sorted({int(number) for number in text.split(",")})


def _say(out: Path, count: int, answer: Record) -> None:
    size = Path(answer["model"]).stat().st_size
    if "scored_images" in answer and not answer["scored_images_are_others"]:
        notice("scored on the images of the calibration: there are too few others")
    if mixed := answer.get("mixed"):
        names = [name.split(";")[0] for name in mixed["float_operators"]]
        click.echo(f"left float: {', '.join(names) or 'nothing; int8 alone is good enough'}")
        if names:
            click.echo(
                f"latency here: {mixed['mixed_latency_ms']:.2f} ms, {mixed['int8_latency_ms']:.2f} ms in int8 alone; "
                f"{mixed['float_islands']} float islands, each of which ends an Edge TPU's mapping"
            )
    if explanation := answer.get("explanation"):
        click.echo(f"fidelity {explanation['fidelity']:.2f} %. {explanation['verdict']} See {out}/explanation.html.")
    click.echo(f"{out}: int8, {count} calibration images, {size / 1e6:.2f} MB")


def _say_findings(lint: Mapping[str, list[Record]]) -> None:
    for name, findings in lint.items():
        for finding in findings:
            notice(f"{name}: {finding['text']}; {finding['advice']}")
    if lint and not _count_findings(lint):
        notice(f"{len(lint)} checks of the images found nothing")


def _count_findings(lint: Mapping[str, list[Record]]) -> int:
    return sum(map(len, lint.values()))


def _say_curve(answer: Record) -> None:
    rows = [(point["images"], f"{point['fidelity']:.2f}", _interval(point["interval"])) for point in answer["points"]]
    emit_table(("images", "fidelity %", "95 % interval"), rows)
    click.echo(f"On {answer['scored_images']} images: {answer['verdict']}.")


def _interval(interval: Record) -> str:
    return f"{interval['low']:.2f} to {interval['high']:.2f}"
