"""The interfaces of MLPerf's vision app for its detectors with `--backend onnxruntime`.

Source: `vision/classification_and_detection/python` of mlcommons/inference, v1.0 to now.

| profile | input | outputs that it reads |
| --- | --- | --- |
| ssd-mobilenet-onnxruntime | uint8 [1, 300, 300, 3] | count, boxes (y1, x1, y2, x2), scores, classes |
| ssd-resnet34-onnxruntime | float32 [1, 3, 1200, 1200], as ImageNet's | boxes (x1, y1, x2, y2), classes, scores |

A class is its column in the raw scores, with the background: with 90 labels of COCO the id of the category, with 80 its
place among the ids. The second profile reads detections, best first, up to a score of under 0.5, and has no count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

BACKGROUND = "???"
"""The label of class 0, which is never found."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
"""The app divides pixels by 255 first: (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225)."""

SAME = 1e-6
"""How far a gain may be from 1, and an offset from 0, in units of the network's input."""

APP_NAMES = ("bboxes", "labels")
"""Outputs of the second profile that the contract does not describe: boxes as x1, y1, x2, y2, and int64 classes."""

X_FIRST = (1, 0, 3, 2)
"""The places of x1, y1, x2, y2 among y1, x1, y2, x2."""


@dataclass(frozen=True)
class AppProfile:
    """One profile of the app.

    Attributes:
        name: what the app calls it.
        benchmark: MLPerf's name of the model.
        side: of the images, which the app resizes.
        classes: of COCO, as the app numbers them.
        image: the name of the input.
        layout: of the input.
        names: of the outputs that the contract describes, by role, in the file's order.
    """

    name: str
    benchmark: str
    side: int
    classes: int
    image: str
    layout: str
    names: dict[str, str]


SSD_MOBILENET = AppProfile(
    name="ssd-mobilenet-onnxruntime",
    benchmark="ssd-mobilenet",
    side=300,
    classes=90,
    image="image_tensor:0",
    layout="NHWC",
    names={
        "count": "num_detections:0",
        "boxes": "detection_boxes:0",
        "scores": "detection_scores:0",
        "classes": "detection_classes:0",
    },
)
SSD_RESNET34 = AppProfile(
    name="ssd-resnet34-onnxruntime",
    benchmark="ssd-resnet34",
    side=1200,
    classes=80,
    image="image",
    layout="NCHW",
    names={
        "scores": "scores",
        "count": "num_detections",
        "boxes": "detection_boxes",
        "classes": "detection_classes",
    },
)
"""Beside its scores, the app reads `bboxes` and `labels`; the other outputs are for detlite."""

PROFILES = {"mlperf": SSD_MOBILENET, "mlperf-resnet34": SSD_RESNET34}
"""By the name of the interface."""


def with_mlperf_interface(model: Model, interface: str) -> Model:
    """Return the ONNX *model*, which has NMS of standard operators, with the input and outputs of the *interface*.

    Raises:
        InputError: it has raw heads or TensorRT's NMS, or its input is not RGB in the layout that the app has.
    """
    contract, profile = model.contract, PROFILES[interface]
    if has_raw_heads(contract) or contract.output("classes").dtype != "float32":  # TensorRT's plug-in has int32
        raise InputError(f"--interface {interface} has detections as its outputs: it needs --nms standard")
    if contract.image.colour != "RGB" or contract.image.layout != profile.layout:
        raise InputError(
            f"--interface {interface} takes RGB in {profile.layout}, and the model {contract.image.colour} in "
            f"{contract.image.layout}"
        )
    graph = OnnxGraph.of(load_onnx().load_from_string(model.data), _reserved(profile))
    inner = {name: graph.rename(name, f"{name}_inside") for name in _reserved(profile) if name != contract.image.name}
    values = {output.role: inner.get(output.name, output.name) for output in contract.outputs}
    values["classes"] = graph.node("Add", [values["classes"], graph.constant("one", np.float32(1))], "category_ids")
    image = _pixels(contract.image, profile) if profile is SSD_MOBILENET else _normalized(contract.image, profile)
    _add_input(graph, contract.image, image)
    shapes = {output.role: output.shape for output in contract.outputs}
    extra = _x_first(graph, values, shapes["boxes"]) if profile is SSD_RESNET34 else []
    ends = [(values[role], OnnxTensor(name, "float32", shapes[role])) for role, name in profile.names.items()]
    changed = _changed(contract, image, profile, first=len(extra))
    (tensor,) = image.tensors
    given = OnnxTensor(image.name, image.dtype, tensor.shape)
    return replace(model, data=packed(graph.finish([given], [*extra, *ends]), changed), contract=changed)


def _reserved(profile: AppProfile) -> tuple[str, ...]:
    return (profile.image, *APP_NAMES, *profile.names.values())


def _pixels(image: ImageInput, profile: AppProfile) -> ImageInput:
    """Return the input of pixels as they are."""
    return replace(
        image,
        name=profile.image,
        dtype="uint8",
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        quantization=Quantization(1.0, 0),
    )


def _normalized(image: ImageInput, profile: AppProfile) -> ImageInput:
    """Return the input of pixels that the app has normalized."""
    return replace(image, name=profile.image, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def _add_input(graph: OnnxGraph, network: ImageInput, given: ImageInput) -> None:
    """Add, before all nodes, what makes the input of the *network* of the *given* one; nothing if they are the same."""
    nodes, graph.nodes = graph.nodes, []
    divided = 1 / np.array(network.std, np.float64)
    gain = np.array(given.std, np.float64) * divided
    offset = (np.array(given.mean, np.float64) - np.array(network.mean, np.float64)) * divided
    sides = (-1, 1, 1) if given.layout == "NCHW" else (-1,)
    real = given.name if given.dtype == "float32" else graph.cast(given.name, "float32", "pixels")
    if not (np.allclose(gain, 1, atol=SAME) and np.allclose(offset, 0, atol=SAME)):
        settings = (
            graph.constant(name, value.astype(np.float32).reshape(sides))
            for name, value in (("pixel_gain", gain), ("pixel_offset", offset))
        )
        scaled = graph.node("Mul", [real, next(settings)], "scaled_pixels")
        real = graph.node("Add", [scaled, next(settings)], "normalized_pixels")
    for node in nodes:
        for place, name in enumerate(node.input):
            if name == network.name:
                node.input[place] = real
    graph.nodes += nodes


def _x_first(graph: OnnxGraph, values: dict[str, str], shape: tuple[int, ...]) -> list[tuple[str, OnnxTensor]]:
    """Return the app's own boxes and classes, each with the output that it becomes."""
    order = graph.integers("x_first", X_FIRST)
    boxes = graph.node("Gather", [values["boxes"], order], "boxes_x_first", axis=2)
    numbers = graph.cast(values["classes"], "int64", "class_numbers")
    outputs = (OnnxTensor(APP_NAMES[0], "float32", shape), OnnxTensor(APP_NAMES[1], "int64", shape[:2]))
    return list(zip((boxes, numbers), outputs, strict=True))


def _changed(contract: Contract, image: ImageInput, profile: AppProfile, *, first: int) -> Contract:
    """Return *contract* for this *image*, for outputs from number *first* on, and for classes with the background."""
    by_role = {output.role: output for output in contract.outputs}
    outputs = tuple(
        Output(role, name, place, by_role[role].shape, "float32")
        for place, (role, name) in enumerate(profile.names.items(), first)
    )
    return replace(contract.with_image(image), outputs=outputs, labels=(BACKGROUND, *contract.labels))


def profile_of(contract: Contract) -> AppProfile | None:
    """Return the profile whose interface a model with *contract* has; None if it has none."""
    names = {output.role: output.name for output in contract.outputs}
    found = (one for one in PROFILES.values() if one.names == names and one.image == contract.image.name)
    return next(found, None)
