"""A graph as the OD API exports it, from images to detections, and the parts of a two-stage detector in it.

The parts are found by structure: regions are cropped by `CropAndResize`, the heads are the first products with matrices
after the crops, and the scores are made of the class head. Outputs have the names of the OD API's exporter. Graphs that
crop by products of matrices, and those that crop the bins of each region by themselves, have no such parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.graph.cut import CONVERTERS, SHAPE_OPS, network_input
from detlite.convert.graph.index import GraphIndex, node_of, tensor_of
from detlite.convert.whole_graph.ends import WholeGraph
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

DETECTIONS = {
    "boxes": "detection_boxes",
    "classes": "detection_classes",
    "scores": "detection_scores",
    "count": "num_detections",
}
MASKS = "detection_masks"
CROP, PRODUCT, BIAS = "CropAndResize", "MatMul", ("BiasAdd", "Add", "AddV2")
SCALING = ("RealDiv", "Mul")
ENDS_OF_NETWORK = ("NonMaxSuppression", "While", "Enter", CROP)
"""Prefixes of the operators after which no head of the network comes."""


@dataclass(frozen=True)
class SecondStage:
    """The ends of the stages, by tensor.

    Attributes:
        features: float [1, rows, columns, C], the map that regions are cropped from.
        crop: (rows, columns) of a crop.
        proposals: float [P, 4], the boxes that are cropped, 0..1 of the network's input.
        box_encodings: float, P rows.
        class_logits: float, P rows.
        converter: what makes scores of these: SIGMOID or SOFTMAX.
    """

    features: str
    crop: str
    proposals: str
    box_encodings: str
    class_logits: str
    converter: str


@dataclass(frozen=True)
class ExportedDetector:
    """The ends of an exported graph, by tensor.

    Attributes:
        image: the placeholder for images, uint8 [?, ?, ?, 3].
        network_input: float [?, H, W, 3], the image after resizing and normalization.
        detections: by role; classes count from 1.
        masks: [?, D, rows, columns], of each detection; None if it has none.
        second_stage: of a two-stage detector with one crop of each region; None if there is no such.
    """

    image: str
    network_input: str
    detections: Mapping[str, str]
    masks: str | None
    second_stage: SecondStage | None


def exported_detector(whole: WholeGraph) -> ExportedDetector:
    """Return the ends of the graph *whole*.

    Raises:
        InputError: it has no outputs of the OD API's exporter, or takes no images.
    """
    index = GraphIndex(whole.graph_def)
    outputs = {name: found for name in (*DETECTIONS.values(), MASKS) if (found := _output(whole, index, name))}
    missing = [name for name in DETECTIONS.values() if name not in outputs]
    if missing:
        raise InputError(
            f"the graph has no {', '.join(missing)}: want what the OD API's exporter writes, with {MASKS} or without"
        )
    crops = _first_crops(index)
    boxes = node_of(outputs[DETECTIONS["boxes"]])
    network = network_input(index, tuple(node_of(index.input(crop, 0)) for crop in crops) or (boxes,))
    return ExportedDetector(
        image=_image(whole, index, boxes),
        network_input=network,
        detections={role: outputs[name] for role, name in DETECTIONS.items()},
        masks=outputs.get(MASKS),
        second_stage=_second_stage(index, crops[0]) if len(crops) == 1 else None,
    )


def _output(whole: WholeGraph, index: GraphIndex, name: str) -> str | None:
    if whole.outputs:
        return whole.outputs.get(name)
    return tensor_of(name) if name in index.nodes else None


def _image(whole: WholeGraph, index: GraphIndex, boxes: str) -> str:
    feeding = index.ancestors([boxes])
    images = {node.name for node in index.find(lambda node: node.op == "Placeholder" and node.name in feeding)}
    images &= {node_of(tensor) for tensor in whole.inputs.values()} or images
    if len(images) != 1:
        raise InputError(
            f"the graph has {counted(len(images), 'input')} ({', '.join(sorted(images))}); want one, for images"
        )
    return tensor_of(images.pop())


def _first_crops(index: GraphIndex) -> list[Any]:
    """Return the crops that no other crop feeds: those of the proposals, not those of masks."""
    crops = index.find(lambda node: node.op == CROP)
    names = {node.name for node in crops}
    return [node for node in crops if not names & index.ancestors(map(node_of, index.inputs(node)))]


def _second_stage(index: GraphIndex, crop: Any) -> SecondStage | None:
    """Return the ends after *crop*; None if there are no two heads, one of which becomes scores."""
    heads = [_with_bias(index, node) for node in _first_products(index, crop)]
    converters = {head: found for head in heads if (found := _converter(index, head)) is not None}
    if len(heads) != 2 or len(converters) != 1:
        return None
    ((logits, converter),) = converters.items()
    (codes,) = (head for head in heads if head != logits)
    features, boxes, _image, size = (tensor_of(index.input(crop, place)) for place in range(4))
    return SecondStage(features, size, boxes, tensor_of(codes), tensor_of(logits), converter)


def _first_products(index: GraphIndex, crop: Any) -> list[Any]:
    """Return the products with constant matrices that are fed by *crop*, and not by one another."""
    waiting, seen, found = [crop.name], {crop.name}, []
    while waiting:
        for node in index.consumers(waiting.pop()):
            if node.name in seen or node.op.startswith(ENDS_OF_NETWORK):
                continue
            seen.add(node.name)
            if node.op == PRODUCT and index.constant(node, 1) is not None:
                found.append(node)
            else:
                waiting.append(node.name)
    return sorted(found, key=lambda node: str(node.name))


def _with_bias(index: GraphIndex, product: Any) -> str:
    """Return the name of the node that adds the bias to *product*; its own if none does."""
    added = [node for node in index.consumers(product.name) if node.op in BIAS and index.constant(node, 1) is not None]
    return str(added[0].name if added else product.name)


def _converter(index: GraphIndex, head: str) -> str | None:
    """Return what makes scores of *head*, through operators that move or scale its numbers; None if nothing does."""
    waiting, seen = [head], {head}
    while waiting:
        for node in index.consumers(waiting.pop()):
            if node.op in CONVERTERS:
                return CONVERTERS[node.op]
            if node.op in (*SHAPE_OPS, *SCALING) and node.name not in seen:
                seen.add(node.name)
                waiting.append(node.name)
    return None
