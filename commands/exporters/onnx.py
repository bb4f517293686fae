"""The options of an ONNX export."""

from __future__ import annotations

import click

from detlite.commands.command import option_group
from detlite.commands.completion import plugins_of

PLUGIN = option_group(
    "ONNX",
    click.option(
        "--target",
        type=click.Choice(["onnxruntime", "tensorrt"]),
        help="What runs the file (default: tensorrt for an int8-float-bias model, else onnxruntime).",
    ),
    click.option(
        "--nms",
        metavar="FORM",
        shell_complete=plugins_of("detlite.convert.onnx.nms"),
        help="Non-maximum suppression in the file: none, standard (ONNX's own operators) or efficient_nms (TensorRT's "
        "plug-in). Default: standard after TFLite's op, else none.",
    ),
    click.option(
        "--interface",
        type=click.Choice(["mlperf", "mlperf-resnet34"]),
        help="Write the inputs and outputs that MLPerf's vision app reads of ssd-mobilenet, or of ssd-resnet34, with "
        "NMS in the file.",
    ),
    click.option("--opset", type=int, metavar="N", help="Version of the operator set, 11 to 21 (default: 13)."),
    click.option(
        "--batch",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Number of images that one run takes (default: 1); refused where an operator would mix them.",
    ),
    click.option(
        "--layout", type=click.Choice(["nhwc", "nchw"]), help="Layout of the image input (default: nhwc, as TFLite's)."
    ),
)
