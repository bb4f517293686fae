"""The options of an ONNX export."""

from __future__ import annotations

import click

from detlite.commands.command import option_group

PLUGIN = option_group(
    "ONNX",
    click.option(
        "--target",
        type=click.Choice(["onnxruntime", "tensorrt"]),
        help="What runs the file (default: tensorrt for an int8-float-bias model, else onnxruntime).",
    ),
    click.option("--opset", type=int, metavar="N", help="Version of the operator set, 11 to 21 (default: 13)."),
    click.option(
        "--layout", type=click.Choice(["nhwc", "nchw"]), help="Layout of the image input (default: nhwc, as TFLite's)."
    ),
)
