"""SSDs in frozen TensorFlow graphs whose maps are NCHW, such as MLPerf's ssd-resnet34: tf2onnx makes them ONNX first.

TensorFlow on a CPU and TFLite compute in NHWC alone; detlite's reader of .onnx files changes the layout.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from detlite.convert.float_graph import FloatGraph
from detlite.convert.onnx.package import load_onnx
from detlite.convert.onnx_graph.detector import detector_of
from detlite.convert.onnx_graph.model_graph import normalized
from detlite.convert.options import DetectorOptions
from detlite.convert.whole_graph.ends import WholeGraph, with_ends
from detlite.convert.whole_graph.write import write

LAYOUT = b"NCHW"
OPSET = 13


def is_channels_first(graph_def: Any) -> bool:
    """Return whether the `GraphDef` has convolutions of NCHW maps."""
    return any(node.op == "Conv2D" and node.attr["data_format"].s == LAYOUT for node in graph_def.node)


def channels_first_detector(graph_def: Any, path: Path, options: DetectorOptions) -> FloatGraph:
    """Return the detector in *graph_def*, read from *path*, which `is_channels_first`; in NHWC.

    Raises:
        InputError: tf2onnx cannot convert it, or as `onnx_graph.detector.onnx_detector`.
        MissingToolError: tf2onnx, onnx, onnxruntime or TensorFlow is not installed.
    """
    ended = with_ends(WholeGraph(graph_def), options.stated.heads or (), options.input_size)
    model = normalized(load_onnx().load_from_string(write(ended, OPSET)), path.name)
    made = detector_of(model, path, options)
    origin = {**made.contract.origin, "weights": f"the constants of {path.name}, an NCHW graph, by way of tf2onnx"}
    return replace(made, contract=replace(made.contract, origin=origin))
