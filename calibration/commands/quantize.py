"""`detlite quantize`: a trained detector becomes an int8 TFLite model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.calibration.images import DEFAULT_COUNT, Images, images_in, images_of_coco
from detlite.calibration.quantize import DEFAULT_METHOD, IO_TYPES, METHODS
from detlite.convert.artifact import prepare_output
from detlite.convert.commands.options import (
    HEADS,
    detector_record,
    force_option,
    json_option,
    out_option,
    source_options,
)
from detlite.convert.console import emit_json, progress
from detlite.convert.locate import locate
from detlite.runtime.child import run_in_child
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.plugins import plugin_names


@click.command()
@click.argument("source")
@out_option
@click.option("--coco", nargs=2, type=click.Path(path_type=Path), metavar="IMAGES ANNOTATIONS", help="COCO images.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of images, or a file that lists them.")
@click.option("--count", type=int, default=DEFAULT_COUNT, show_default=True, help="Images to calibrate with.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the images.")
@click.option("--heads", type=HEADS, help="Raw heads, or the post-processing op; as the source where not said.")
@click.option("--io", type=click.Choice(IO_TYPES), default="int8", show_default=True, help="Input and raw outputs.")
@click.option("--method", default=DEFAULT_METHOD, show_default=True, help="How to quantize.")
@source_options
@force_option
@json_option
def command(source: str, out: Path, as_json: bool, **values: Any) -> None:
    """Quantize the trained detector SOURCE to int8, calibrated with images like those that it will see.

    SOURCE is a file, a folder, a zoo archive, a zoo name, or a float32 artifact that `detlite convert` wrote.

    \b
    detlite quantize ssd_mobilenet_v2_coco_2018_03_29.tar.gz -o out/int8 --images photos/
    detlite quantize out/float -o out/int8 --coco train2017/ instances_train2017.json --count 200
    detlite quantize frozen_inference_graph.pb -o out/int8 --images photos/ --heads postprocess --io uint8
    """
    prepare_output(out, force=values["force"])
    if values["method"] not in plugin_names(METHODS):
        raise unknown_name("quantization method", values["method"], plugin_names(METHODS))
    images = images_asked_for(values["coco"], values["images"]).choose(values["count"], values["seed"])
    options = detector_record(values)
    request = {
        "source": str(locate(source).absolute()),
        "out": str(out.absolute()),
        "force": values["force"],
        "options": options,
        "images": [str(path.absolute()) for path in images.paths],
        "images_origin": images.origin,
        "recipe": {"method": values["method"], "io": values["io"], "heads": values["heads"]},
    }
    with progress() as report:
        answer = run_in_child("detlite.calibration.tasks:quantize_source", request, progress=report)
    if as_json:
        emit_json("quantize", answer)
        return
    size = Path(answer["model"]).stat().st_size
    click.echo(f"{out}: int8, {len(images.paths)} calibration images, {size / 1e6:.2f} MB")


def images_asked_for(coco: tuple[Path, Path] | None, images: Path | None) -> Images:
    """Return the images of `--coco` or of `--images`.

    Raises:
        InputError: none or both are given, or there are no images there.
    """
    if (coco is None) == (images is None):
        raise InputError("give the images to calibrate with: either --images FOLDER, or --coco IMAGES ANNOTATIONS")
    if coco is not None:
        return images_of_coco(*coco)
    assert images is not None
    return images_in(images)
