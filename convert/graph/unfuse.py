"""Write fused operators as those that they are made of.

TensorFlow's optimizer (grappler/optimizers/remapper.cc) and the converter of TensorFlow.js join a convolution or a
matrix product with the bias, the batch norm and the activation that follow it. What detlite looks for in a graph, and
TensorFlow Lite's converter, know the parts alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

FUSED = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}
"""The fused operators, and the first of their parts."""

PRELU = "Prelu"  # an operator of TensorFlow.js alone
JOINED = (*FUSED, PRELU)
ACTIVATIONS = ("Relu", "Relu6", "Elu", "Tanh", "Sigmoid", "LeakyRelu")
FLOAT = 1  # DT_FLOAT of TensorFlow's types.proto
EPSILON = 1e-4  # of a fused operator that states none
FIRST_ATTRIBUTES = (
    "strides",
    "padding",
    "explicit_paddings",
    "data_format",
    "dilations",
    "transpose_a",
    "transpose_b",
)


def unfuse(graph_def: Any) -> None:
    """Write the fused operators of *graph_def* as their parts, in place; the last of them keeps the name.

    Raises:
        InputError: an operator has a part that detlite does not know, or lacks an input.
    """
    if not any(node.op in JOINED for node in graph_def.node):
        return
    whole = type(graph_def)()
    for node in graph_def.node:
        whole.node.extend(_Parts(node).parts() if node.op in JOINED else [node])
    del graph_def.node[:]
    graph_def.node.extend(whole.node)


class _Parts:
    """The parts of one fused operator, in the order in which they are computed."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._data = [source for source in node.input if not source.startswith("^")]
        self._taken = 0
        self._made: list[Any] = []
        self._type = node.attr["T"].type if "T" in node.attr else FLOAT  # TensorFlow.js writes none for a Prelu

    def parts(self) -> Sequence[Any]:
        """Return the nodes."""
        node = self._node
        if node.op == PRELU:
            self._prelu(self._next(), last=True)
        else:
            kinds = [kind.decode("utf-8", "replace") for kind in node.attr["fused_ops"].list.s]
            made = self._first(last=not kinds)
            for place, kind in enumerate(kinds):
                made = self._part(kind)(made, last=place == len(kinds) - 1)
        self._made[0].input.extend(source for source in node.input if source.startswith("^"))
        return self._made

    def _part(self, kind: str) -> Callable[..., str]:
        if kind in ACTIVATIONS:
            return lambda source, last: self._activation(kind, source, last)
        known = {"BiasAdd": self._bias, "FusedBatchNorm": self._batch_norm, PRELU: self._prelu}
        if kind not in known:
            raise InputError(f"the graph's node {self._node.name} is a {self._node.op} with {kind!r}, an unknown part")
        return known[kind]

    def _first(self, last: bool) -> str:
        node = self._add(FUSED[self._node.op], [self._next(), self._next()], last)
        for name in FIRST_ATTRIBUTES:
            if name in self._node.attr:
                node.attr[name].CopyFrom(self._node.attr[name])
        return str(node.name)

    def _bias(self, source: str, last: bool) -> str:
        node = self._add("BiasAdd", [source, self._next()], last)
        if "data_format" in self._node.attr:
            node.attr["data_format"].CopyFrom(self._node.attr["data_format"])
        return str(node.name)

    def _batch_norm(self, source: str, last: bool) -> str:
        node = self._add("FusedBatchNorm", [source, *(self._next() for _ in range(4))], last)
        node.attr["epsilon"].f = self._node.attr["epsilon"].f if "epsilon" in self._node.attr else EPSILON
        node.attr["is_training"].b = False
        if "data_format" in self._node.attr:
            node.attr["data_format"].CopyFrom(self._node.attr["data_format"])
        return str(node.name)

    def _activation(self, kind: str, source: str, last: bool) -> str:
        node = self._add(kind, [source], last)
        if kind == "LeakyRelu" and "leakyrelu_alpha" in self._node.attr:
            node.attr["alpha"].CopyFrom(self._node.attr["leakyrelu_alpha"])
        return str(node.name)

    def _prelu(self, source: str, last: bool) -> str:
        """Write relu(x) - alpha * relu(-x), which TensorFlow Lite's converter makes one operator."""
        alpha = self._next()
        positive = self._add("Relu", [source], last=False).name
        negative = self._add("Relu", [self._add("Neg", [source], last=False).name], last=False).name
        scaled = self._add("Mul", [self._add("Neg", [alpha], last=False).name, negative], last=False).name
        return str(self._add("AddV2", [positive, scaled], last).name)

    def _next(self) -> str:
        if self._taken >= len(self._data):
            raise InputError(
                f"the graph is damaged: {self._node.name}, a {self._node.op}, has {counted(len(self._data), 'input')}"
            )
        self._taken += 1
        return str(self._data[self._taken - 1])

    def _add(self, op: str, inputs: list[str], last: bool) -> Any:
        node = type(self._node)()
        node.name = self._node.name if last else f"{self._node.name}/part_{len(self._made)}"
        node.op = op
        node.input.extend(inputs)
        node.attr["T"].type = self._type
        self._made.append(node)
        return node
