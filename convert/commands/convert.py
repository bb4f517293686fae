"""`detlite convert`: a trained detector becomes a float TFLite model with a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.convert.artifact import prepare_output
from detlite.convert.commands.options import (
    HEADS,
    detector_record,
    force_option,
    json_option,
    out_option,
    source_options,
)
from detlite.convert.console import emit_json, notice, progress
from detlite.convert.locate import locate
from detlite.runtime.child import run_in_child


@click.command()
@click.argument("source")
@out_option
@click.option("--heads", type=HEADS, default="raw", show_default=True, help="Raw heads, or the post-processing op.")
@click.option(
    "--type",
    "weights",
    type=click.Choice(["float32", "float16", "dynamic"]),
    default="float32",
    show_default=True,
    help="Weights as they are, as float16, or as int8 with float activations.",
)
@source_options
@force_option
@json_option
def command(source: str, out: Path, as_json: bool, **values: Any) -> None:
    """Convert the trained detector SOURCE to TFLite.

    SOURCE is a file, a folder, a zoo archive, or the name of a model that `detlite zoo fetch` brought.

    \b
    detlite convert ssd_mobilenet_v2_coco_2018_03_29.tar.gz -o out/float
    detlite convert frozen_inference_graph.pb --labels map.pbtxt -o out/float
    detlite convert ssdlite_mobilenet_v2_coco --heads postprocess --type float16 -o out/half
    """
    prepare_output(out, force=values["force"])
    options = detector_record(values)
    request = {"source": str(locate(source).absolute()), "out": str(out.absolute()), "options": options}
    request |= {"heads": values["heads"], "type": values["weights"], "force": values["force"]}
    with progress() as report:
        answer = run_in_child("detlite.convert.tasks:convert", request, progress=report)
    if as_json:
        emit_json("convert", answer)
        return
    size = Path(answer["model"]).stat().st_size
    notice(f"origin of the numbers: {out / 'contract.json'}")
    click.echo(
        f"{out}: {values['heads']} heads, {values['weights']}, {answer['anchors']} anchors, "
        f"{answer['classes']} classes, {size / 1e6:.2f} MB"
    )
