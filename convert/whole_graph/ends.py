"""Inputs and outputs of a whole TensorFlow graph, with every side of every input known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detlite.convert.graph.describe import describe_graph
from detlite.convert.graph.index import GraphIndex, node_of, tensor_of
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError, unknown_name

PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")
MAP_RANK = 4
CHANNELS = (1, 3)
"""What the last side of an image is."""


@dataclass(frozen=True, eq=False)
class WholeGraph:
    """A frozen graph, with the ends that its file names.

    Attributes:
        graph_def: the `tensorflow.GraphDef`; no variables.
        inputs: the tensor of each input by its name; empty if the file names none.
        outputs: the tensor of each output by its name; empty if the file names none.
    """

    graph_def: Any
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GraphInput:
    """An input: its *name* in the .onnx, its *tensor* in the graph, its numpy *dtype*, its static *shape*."""

    name: str
    tensor: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether it has an image's shape [1, height, width, 1 or 3]."""
        return len(self.shape) == MAP_RANK and self.shape[0] == 1 and self.shape[-1] in CHANNELS


def with_ends(whole: WholeGraph, outputs: Sequence[str], size: tuple[int, int] | None) -> WholeGraph:
    """Return *whole* with names for all ends, and a shape without open sides for each input.

    Args:
        whole: the graph; it is not changed.
        outputs: the outputs that the user named; none for those of the file, else for what no node reads.
        size: (height, width) of images whose size is open. An open batch is 1.

    Raises:
        InputError: an input has another open side, or takes texts; there is no input or no such output; one tensor
            has two names, or one name two tensors; no input has the *size*.
    """
    graph_def = type(whole.graph_def)()
    graph_def.CopyFrom(whole.graph_def)
    index = GraphIndex(graph_def)
    named = {name: tensor_of(name) for name in outputs} or dict(whole.outputs) or _leaves(graph_def)
    for name, tensor in named.items():
        if node_of(tensor) not in index.nodes:
            raise unknown_name("node of the graph", name, index.nodes)
    if not named:
        raise InputError("the graph has no output: every node is read by another; name them with --outputs")
    inputs = dict(whole.inputs) or _inputs_of(index, named.values())
    if not inputs:
        raise InputError("the graph has no input that its outputs need")
    _check_names(inputs, named)
    shapes = [_fix_shape(index.nodes[node_of(tensor)], name, size) for name, tensor in inputs.items()]
    if size is not None and not any(tuple(sides[_places_of_size(sides)]) == size for sides in shapes):
        raise InputError(f"--input asks for {size[0]}x{size[1]}, and no input is an image of that size: leave it out")
    return WholeGraph(graph_def, inputs, named)


def inputs_of(whole: WholeGraph) -> tuple[GraphInput, ...]:
    """Return the inputs of what `with_ends` returned."""
    tf = load_tensorflow()
    index = GraphIndex(whole.graph_def)
    nodes = {name: index.nodes[node_of(tensor)] for name, tensor in whole.inputs.items()}
    return tuple(
        GraphInput(
            name,
            tensor,
            np.dtype(tf.as_dtype(nodes[name].attr["dtype"].type).as_numpy_dtype).name,
            tuple(int(side.size) for side in nodes[name].attr["shape"].shape.dim),
        )
        for name, tensor in whole.inputs.items()
    )


def _leaves(graph_def: Any) -> dict[str, str]:
    outputs = describe_graph(graph_def)["outputs"]
    return {name: tensor_of(name) for name, dtype, _shape in outputs if dtype not in ("resource", "variant", "string")}


def _inputs_of(index: GraphIndex, outputs: Any) -> dict[str, str]:
    walked = index.walk_back([node_of(tensor) for tensor in outputs], lambda _node: True)
    found = [name for name in walked if name in index.nodes and index.nodes[name].op == PLACEHOLDERS[0]]
    return {name: tensor_of(name) for name in sorted(found)}


def _check_names(inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Raise `InputError` unless names and tensors belong together one to one: the .onnx has one name for a tensor."""
    names = {tensor: name for name, tensor in inputs.items()}
    for name, tensor in outputs.items():
        other = names.setdefault(tensor, name)
        if other != name:
            raise InputError(f"{other} and {name} are one tensor, {tensor}: name one of them with --outputs")
        if inputs.get(name, tensor) != tensor:
            raise InputError(
                f"an input and another tensor are called {name}: name the outputs by their nodes with --outputs"
            )


def _places_of_size(sides: Sequence[int]) -> slice:
    """Return where *sides* have the height and the width of an image; nowhere if they are no image's."""
    if len(sides) != MAP_RANK or (sides[-1] not in CHANNELS and sides[1] not in CHANNELS):
        return slice(0)
    return slice(1, 3) if sides[-1] in CHANNELS else slice(2, 4)


def _fix_shape(node: Any, name: str, size: tuple[int, int] | None) -> list[int]:
    """Give the placeholder *node* a shape without open sides, and return it."""
    tf = load_tensorflow()
    dtype = tf.as_dtype(node.attr["dtype"].type)
    if node.op not in PLACEHOLDERS or dtype == tf.string or dtype == tf.resource:
        raise InputError(f"input {name} is a {dtype.name}, and not an image or numbers: cut it off with --outputs")
    shape = node.attr["shape"].shape
    sides = [int(side.size) for side in shape.dim]
    places = _places_of_size(sides)
    is_map = bool(sides[places])
    if sides and sides[0] < 0:
        sides[0] = 1
    if is_map and size is not None:
        sides[places] = [side if side >= 0 else given for side, given in zip(sides[places], size, strict=True)]
    if shape.unknown_rank or min(sides, default=0) < 0:
        hint = "give its size with --input HEIGHTxWIDTH" if is_map else "tf2onnx's file would have no fixed size"
        shown = "an unknown shape" if shape.unknown_rank else f"the shape {sides}"
        raise InputError(f"input {name} has {shown}: {hint}")
    node.attr["shape"].shape.CopyFrom(tf.TensorShape(sides).as_proto())
    node.attr.pop("_output_shapes", None)
    return sides
