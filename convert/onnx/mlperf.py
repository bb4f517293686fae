"""The interface that MLPerf's vision app has for `--profile ssd-mobilenet-onnxruntime`: pixels in, COCO ids out.

Source: `vision/classification_and_detection/python` of mlcommons/inference, v1.0 to now. The input is uint8 RGB, the
outputs are called as in the OD API's frozen graph, and a class is its column in the raw scores: with the background, so
that COCO's are the ids of its categories.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.model import Model
from detlite.convert.onnx.graph import OnnxGraph, OnnxTensor
from detlite.convert.onnx.package import load_onnx
from detlite.convert.onnx.write import packed
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import has_raw_heads
from detlite.runtime.tensors import Output, Quantization

IMAGE = "image_tensor:0"
NAMES = {
    "count": "num_detections:0",
    "boxes": "detection_boxes:0",
    "scores": "detection_scores:0",
    "classes": "detection_classes:0",
}
"""The names of the outputs by role, in the order in which the app reads them."""

BACKGROUND = "???"
"""The label of class 0, which is never found."""


def with_mlperf_interface(model: Model) -> Model:
    """Return the ONNX *model*, which has NMS of standard operators, with MLPerf's input and outputs.

    Raises:
        InputError: it has raw heads or TensorRT's NMS, or its input is not RGB in NHWC.
    """
    contract = model.contract
    if has_raw_heads(contract) or contract.output("classes").dtype != "float32":  # TensorRT's plug-in has int32
        raise InputError("--interface mlperf has detections as its outputs: it needs --nms standard")
    if contract.image.colour != "RGB" or contract.image.layout != "NHWC":
        raise InputError(
            f"--interface mlperf takes RGB in NHWC, and the model {contract.image.colour} in {contract.image.layout}"
        )
    graph = OnnxGraph.of(load_onnx().load_from_string(model.data), (IMAGE, *NAMES.values()))
    _add_pixels(graph, contract.image)
    given = OnnxTensor(IMAGE, "uint8", (1, contract.image.height, contract.image.width, 3))
    values = {output.role: output.name for output in contract.outputs}
    values["classes"] = graph.node("Add", [values["classes"], graph.constant("one", np.float32(1))], "category_ids")
    shapes = {output.role: output.shape for output in contract.outputs}
    ends = [(values[role], OnnxTensor(name, "float32", shapes[role])) for role, name in NAMES.items()]
    changed = _changed(contract)
    return replace(model, data=packed(graph.finish([given], ends), changed), contract=changed)


def _add_pixels(graph: OnnxGraph, image: ImageInput) -> None:
    """Add, before all nodes, what makes the network's input of pixels: (p - mean) / std."""
    network, graph.nodes = graph.nodes, []
    gain = 1 / np.array(image.std, np.float64)
    offset = -np.array(image.mean, np.float64) * gain
    pixels = graph.cast(IMAGE, "float32", "pixels")
    scaled = graph.node("Mul", [pixels, graph.constant("pixel_gain", gain.astype(np.float32))], "scaled_pixels")
    real = graph.node("Add", [scaled, graph.constant("pixel_offset", offset.astype(np.float32))], "normalized_pixels")
    for node in network:
        for place, name in enumerate(node.input):
            if name == image.name:
                node.input[place] = real
    graph.nodes += network


def _changed(contract: Contract) -> Contract:
    """Return *contract* for pixels as they are, and for classes that count the background."""
    image = replace(
        contract.image,
        name=IMAGE,
        dtype="uint8",
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        quantization=Quantization(1.0, 0),
    )
    by_role = {output.role: output for output in contract.outputs}
    outputs = tuple(
        Output(role, name, place, by_role[role].shape, "float32") for place, (role, name) in enumerate(NAMES.items())
    )
    return replace(contract.with_image(image), outputs=outputs, labels=(BACKGROUND, *contract.labels))
