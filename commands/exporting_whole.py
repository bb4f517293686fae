"""The options of `detlite export --via tf2onnx`, and its run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from detlite.accuracy.images import images_in
from detlite.commands.command import option_group
from detlite.commands.console import emit_json, progress, say
from detlite.commands.options import FiniteRange, take_size
from detlite.convert.apart import export_whole_graph
from detlite.convert.onnx.options import DEFAULT_OPSET
from detlite.convert.requests import CHECK, EXPORT, READ, WholeGraphRequest
from detlite.convert.whole_graph.options import WholeGraphOptions
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

ROUTES = ("tf2onnx",)
NAMES = ("input_size", "outputs", "images", "tolerance")

whole_graph_options = option_group(
    "A TensorFlow graph that is no model detlite knows",
    click.option(
        "--via",
        type=click.Choice(ROUTES),
        help="Convert a frozen graph or a SavedModel as it is, by this package, and check it against TensorFlow.",
    ),
    click.option("--input", "input_size", metavar="HxW", help="Size of images, such as 320x320, if it is open."),
    click.option(
        "--outputs", metavar="NAME[,NAME]", help="Outputs (default: those of the SavedModel, or what no node reads)."
    ),
    click.option(
        "--images",
        type=click.Path(path_type=Path),
        help="Folder of images, or a list, to check on (default: 4 of seeded noise).",
    ),
    click.option(
        "--tolerance",
        type=FiniteRange(0, 1, min_open=True),
        help="Largest difference from TensorFlow, relative to an output's largest value if that is over 1 "
        "(default: 0.001).",
    ),
)


def take_whole_graph_options(to: str, values: dict[str, Any]) -> WholeGraphOptions | None:
    """Remove the values of `whole_graph_options` from *values*, and what they say of `--to`; None without `--via`.

    Raises:
        InputError: there are others without `--via`, or an invalid size, no images, or no name in `--outputs`.
    """
    via, given = values.pop("via"), {name: values.pop(name) for name in NAMES}
    if via is None:
        for name, value in given.items():
            if value is not None:
                raise InputError(f"--{'input' if name == 'input_size' else name} needs --via {ROUTES[0]}")
        return None
    if to != "onnx":
        raise InputError(f"--via {via} writes ONNX: it needs --to onnx")
    opset = values.pop("opset")
    for name, value in values.items():
        if value is not None:
            raise InputError(f"--{name} is for detlite's own ONNX: --via {via} takes the graph as it is")
    outputs = tuple(filter(None, (given["outputs"] or "").split(",")))
    if given["outputs"] is not None and not outputs:
        raise InputError(f"--outputs {given['outputs']!r} names no output: want NAME[,NAME]")
    images = () if given["images"] is None else images_in(given["images"]).paths
    options = WholeGraphOptions(
        opset=DEFAULT_OPSET if opset is None else opset,
        size=take_size(given["input_size"]),
        outputs=outputs,
        images=tuple(path.absolute() for path in images),
    )
    return options if given["tolerance"] is None else replace(options, tolerance=given["tolerance"])


def export_graph(source: Path, out: Path, options: WholeGraphOptions, *, force: bool, as_json: bool) -> None:
    """Convert the graph at *source*, and print what was made."""
    with progress((READ, EXPORT, CHECK)) as report:
        answer = export_whole_graph(
            WholeGraphRequest(source.absolute(), out.absolute(), options, force), progress=report
        )
    if as_json:
        emit_json("export_graph", answer)
        return
    for one in answer["parity"]:
        say(f"  {one['name']}: at most {one['largest_difference']:.2g} from TensorFlow, of {one['largest_value']:.4g}")
    seen = counted(len(options.images), "image") if options.images else "noise"
    size_mb = Path(answer["model"]).stat().st_size / 1e6
    say(
        f"{answer['model']}: {counted(answer['operators'], 'operator')}, checked against TensorFlow on {seen}, "
        f"{size_mb:.2f} MB"
    )
