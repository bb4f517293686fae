"""`detlite convert`: a trained model becomes a float model with a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.box_codes import tell_rescaled_codes
from detlite.commands.command import WorkCommand, option_group
from detlite.commands.completion import model_or_file
from detlite.commands.console import emit_json, notice, progress, say
from detlite.commands.options import (
    HEADS,
    force_option,
    json_option,
    out_option,
    source_options,
    take_detector_options,
    to_option,
)
from detlite.commands.rebuilding import rebuild_options, take_given
from detlite.convert.apart import convert
from detlite.convert.artifact import prepare_output
from detlite.convert.exporter import exporter_called
from detlite.convert.requests import CONVERT, READ, WRITE, ConvertRequest
from detlite.convert.summary import model_line
from detlite.convert.tflite.describe import describe
from detlite.runtime.model_file import suffix_of

WITHOUT_BOXES = ("classification", "segmentation")
"""Tasks whose models have one kind of outputs: nothing is said of their heads."""


@click.command(cls=WorkCommand)
@click.argument("source", required=False, shell_complete=model_or_file)
@out_option
@click.option(
    "--heads",
    type=HEADS,
    default="raw",
    show_default=True,
    help="Outputs: raw heads, or the post-processing op's detections.",
)
@click.option(
    "--type",
    "weights",
    type=click.Choice(["float32", "float16", "dynamic", "int8"]),
    default="float32",
    show_default=True,
    help="float32; float16 weights; dynamic: int8 weights, float activations; int8: full integer, from a "
    "quantization-aware checkpoint or frozen graph.",
)
@to_option
@option_group("Model to rebuild, instead of SOURCE", rebuild_options)
@source_options
@force_option
@json_option
def command(source: str | None, out: Path, as_json: bool, **values: Any) -> None:
    """Convert the trained model SOURCE to TFLite, or to the format that --to names.

    \b
    detlite convert ssd_mobilenet_v2_coco_2018_03_29.tar.gz -o out/float
    detlite convert --config pipeline.config --checkpoint model.ckpt-50000 --labels map.pbtxt -o out/float
    detlite convert ssdlite_mobilenet_v2_coco --heads postprocess --type float16 -o out/half
    detlite convert --family ssdlite_mobiledet_edgetpu --input 320 --random-weights 0 -o out/untrained

    SOURCE is a file, a folder, a zoo archive, or the name of a model that `detlite zoo fetch` downloaded. Instead,
    --config with --checkpoint rebuilds a detector of the TF Object Detection API or a model of TF-Vision, and --family
    with --random-weights an untrained detector.
    """
    exporter_called(values["to"])
    given = take_given(source, values)
    prepare_output(out, force=values["force"])
    request = ConvertRequest(
        given,
        out.absolute(),
        take_detector_options(values),
        **{name: values[name] for name in ("heads", "weights", "to", "force")},
    )
    with progress((READ, CONVERT, WRITE)) as report:
        answer = convert(request, progress=report)
    if as_json:
        emit_json("convert", answer)
        return
    for line in answer["notices"]:
        notice(line)
    tell_rescaled_codes(out)
    size = Path(answer["model"]).stat().st_size
    notice(f"from {answer['way']}; origin of the numbers: {out / 'contract.json'}")
    heads = "" if answer["task"] in WITHOUT_BOXES else f"{values['heads']} heads, "
    say(
        f"{out}: {heads}{_numbers(Path(answer['model']), values['weights'])}, {model_line(answer)}, {size / 1e6:.2f} MB"
    )


def _numbers(model: Path, weights: str) -> str:
    """Return what *model* computes with: *weights*, unless a finished model was given, which stays as it is."""
    if weights != "float32" or suffix_of(model) != ".tflite":
        return weights
    return describe(model.read_bytes(), str(model)).quantization
