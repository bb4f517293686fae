"""Find the raw heads of an SSD in an ONNX graph, and the boxes that its own decoder makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detlite.convert.onnx_graph.model_graph import OnnxModel, Shape
from detlite.runtime.errors import InputError

BOX = 4
CONVERTERS = {"Sigmoid": "SIGMOID", "Softmax": "SOFTMAX"}
THIN = ("Mul", "Div", "Slice", "Split", "Gather", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Cast")
"""Operators between the box encodings and the exponential function of their sizes."""

ADVICE = "name them: --heads boxes=NAME,scores=NAME"


@dataclass(frozen=True)
class Heads:
    """The tensors at which an ONNX graph is cut, by name.

    Attributes:
        boxes: [1, N, 4], [1, 4, N] or [1, N, 1, 4], the box encodings.
        scores: [1, N, C] or [1, C, N], after the score converter.
        logits: the same, before the score converter.
        converter: IDENTITY, SIGMOID or SOFTMAX.
        decoded: [1, N, 4] or [N, 4], what the graph's own decoder makes of the encodings; None if it has none.
        anchors: N.
    """

    boxes: str
    scores: str
    logits: str
    converter: str
    decoded: str | None
    anchors: int


def find_heads(model: OnnxModel, named: tuple[str, str] | None) -> Heads:
    """Return the heads of *model*; *named* are the names of the box encodings and of the class scores, if given.

    Raises:
        InputError: there are none, or a named tensor is not in the graph or has another shape.
    """
    boxes = named[0] if named else _boxes(model)
    anchors = count_of(_shape(model, boxes), BOX)
    if anchors is None:
        raise InputError(f"{model.name}: {boxes} is {_shape(model, boxes)}; box encodings are [1, N, {BOX}]")
    scores = named[1] if named else _scores(model, boxes, anchors)
    if columns_of(_shape(model, scores), anchors) is None:
        raise InputError(f"{model.name}: {scores} is {_shape(model, scores)}; want [1, {anchors}, C] like {boxes}")
    scores, logits, converter = _converted(model, scores)
    return Heads(boxes, scores, logits, converter, _decoded(model, boxes, anchors), anchors)


def count_of(shape: Shape, side: int) -> int | None:
    """Return N of the shape [1, N, side], [1, side, N], [N, side] or [1, N, 1, side]; None for another shape."""
    long = [one for one in shape if one != 1]
    if len(long) != 2 or side not in long:
        return None
    return long[0] if long[1] == side else long[1]


def columns_of(shape: Shape, anchors: int) -> int | None:
    """Return C of the class scores of that *shape*, or None if these are not class scores of so many *anchors*."""
    sides = list(shape)
    if len(sides) == 3 and sides[0] == 1 and anchors in sides[1:]:
        return sides[2] if sides[1] == anchors else sides[1]
    return None


def _shape(model: OnnxModel, name: str) -> Shape:
    if name not in model.makers:
        known = ", ".join([value.name for value in model.proto.graph.output][:5])
        raise InputError(f"{model.name}: no node makes {name}; its outputs are {known}; {ADVICE}")
    if name not in model.shapes:
        raise InputError(f"{model.name}: the shape of {name} is not fixed: give --input HEIGHTxWIDTH, or other heads")
    return model.shapes[name]


def _boxes(model: OnnxModel) -> str:
    for node in model.nodes:
        if node.op_type == "Exp" and (found := _before(model, node.input[0])) is not None:
            return found
    for value in model.proto.graph.output:
        shape = model.shapes.get(value.name, ())
        if len(shape) == 3 and shape[2] == BOX and value.name in model.makers:
            return str(value.name)
    raise InputError(
        f"{model.name}: cannot find box encodings, [1, N, {BOX}] before a decoder or as an output, and of .onnx files "
        f"only SSDs are converted; if it is one, {ADVICE}"
    )


def _before(model: OnnxModel, name: str) -> str | None:
    """Return the box encodings that the argument *name* of an exponential function is a part of, or None."""
    found = None
    while True:
        shape = model.shapes.get(name, ())
        if shape[:1] == (1,) and len(shape) >= 3 and count_of(shape, BOX) is not None:
            found = name
        node = model.makers.get(name)
        if node is None or node.op_type not in THIN:
            return found
        name = next((one for one in node.input if one not in model.constants), "")


def _scores(model: OnnxModel, boxes: str, anchors: int) -> str:
    names = [node.output[0] for node in model.nodes if node.op_type in CONVERTERS]
    names += [value.name for value in model.proto.graph.output if value.name in model.makers]
    for name in names:
        if name != boxes and columns_of(model.shapes.get(name, ()), anchors) is not None:
            return str(name)
    raise InputError(
        f"{model.name}: cannot find class scores, [1, {anchors}, C] like the box encodings {boxes}; {ADVICE}"
    )


def _converted(model: OnnxModel, name: str) -> tuple[str, str, str]:
    """Return the scores and the logits of the tensor *name*, which is either, and the converter between them."""
    maker = model.makers[name]
    if maker.op_type in CONVERTERS:
        return name, maker.input[0], CONVERTERS[maker.op_type]
    for reader in model.readers.get(name, ()):
        if reader.op_type in CONVERTERS:
            return reader.output[0], name, CONVERTERS[reader.op_type]
    return name, name, "IDENTITY"


def _decoded(model: OnnxModel, boxes: str, anchors: int) -> str | None:
    """Return the first tensor [N, 4] that is made of the *boxes* by an exponential function, or None."""
    exponential: set[str] = set()
    for node in _after(model, boxes):
        if node.op_type == "Exp" or exponential & set(node.input):
            exponential |= set(node.output)
            for name in node.output:
                if node.op_type != "Exp" and count_of(model.shapes.get(name, ()), BOX) == anchors:
                    return str(name)
    return None


def _after(model: OnnxModel, name: str) -> Iterator[Any]:
    """Yield the nodes that depend on the tensor *name*, in execution order."""
    reached = {name}
    for node in model.nodes:
        if reached & set(node.input):
            reached |= set(node.output)
            yield node
