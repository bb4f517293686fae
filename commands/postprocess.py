"""`detlite postprocess`: add, change or strip a .tflite's post-processing op, without TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from detlite.commands.box_codes import tell_rescaled_codes
from detlite.commands.command import WorkCommand
from detlite.commands.console import emit_json, say
from detlite.commands.options import NMS_NAMES, force_option, json_option, nms_options, out_option
from detlite.convert.artifact import open_artifact, prepare_output, step
from detlite.convert.model import model_of, require_tflite
from detlite.convert.options import NmsOptions
from detlite.convert.summary import model_facts
from detlite.convert.tflite.postprocess import attach, configure, strip
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of, has_raw_heads


@click.command(cls=WorkCommand)
@click.argument("model", type=click.Path(path_type=Path))
@out_option
@click.option("--add", is_flag=True, help="Add the post-processing op to a model with raw heads.")
@click.option(
    "--clip/--no-clip",
    "clips",
    default=None,
    help="With --add: clip boxes to the image before suppression, by 20 small operators (default: as the original).",
)
@click.option("--strip", "remove", is_flag=True, help="Remove the post-processing op, leaving raw heads.")
@nms_options
@force_option
@json_option
def command(model: Path, out: Path, as_json: bool, **values: Any) -> None:
    """Add TFLite_Detection_PostProcess to MODEL, change its settings, or strip it.

    \b
    detlite postprocess detect.tflite --score-threshold 0.3 --max-detections 25 -o out/app
    detlite postprocess out/int8 --add --nms fast -o out/app
    detlite postprocess detect.tflite --strip -o out/raw

    MODEL is a folder that detlite wrote, or any .tflite with the op. Without --add or --strip the settings are changed.
    """
    prepare_output(out, force=values["force"])
    nms = NmsOptions(**{name: values[name] for name in NMS_NAMES})
    given = model_of(open_artifact(model))
    require_tflite(given, "detlite postprocess")
    if values["clips"] is not None and not values["add"]:
        raise InputError("--clip is for the op that --add adds: give both, after --strip where there is an op already")
    if values["add"] and not values["remove"]:
        data, contract = attach(given.data, _wanted(given.contract, nms), clips=values["clips"])
    else:
        data, contract = _change(given.data, given.contract, nms, add=values["add"], remove=values["remove"])
    what = "add" if values["add"] else "strip" if values["remove"] else "configure"
    done = step(f"postprocess {what}", input_sha256=given.sha256)
    changed = replace(given, data=data, contract=contract, history=(*given.history, done))
    written = changed.save(out, force=values["force"])
    if as_json:
        emit_json("postprocess", {"model": str(written.model), **model_facts(contract)})
        return
    tell_rescaled_codes(out)
    applied = detection_of(contract).nms
    heads = (
        "raw heads"
        if has_raw_heads(contract)
        else f"{applied.kind} NMS, {counted(applied.max_detections, 'detection')}"
    )
    say(f"{out}: {heads}, score {applied.score_threshold:g}, IoU {applied.iou_threshold:g}")


def _change(data: bytes, contract: Contract, nms: NmsOptions, *, add: bool, remove: bool) -> tuple[bytes, Contract]:
    if add and remove:
        raise InputError("--add and --strip contradict each other: give one")
    present, wanted = detection_of(contract).nms, _wanted(contract, nms)
    if remove:
        return strip(data, wanted)
    if nms.over(present) == present:
        raise InputError("nothing to change: give --add, --strip, or a setting such as --score-threshold 0.3")
    return configure(data, wanted)


def _wanted(contract: Contract, nms: NmsOptions) -> Contract:
    return contract.with_task(nms=nms.over(detection_of(contract).nms))
