"""An ONNX graph that is written node by node: every name is unique, equal constants are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.package import load_onnx
from detlite.runtime.errors import InputError
from detlite.runtime.version import __version__

IR_VERSIONS = {11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}
"""The oldest file version with each operator set, so that older runtimes open the file."""

OPSETS = tuple(IR_VERSIONS)
AXES_ARE_INPUTS = {"ReduceSum": 13, "Unsqueeze": 13, "Squeeze": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18}
"""The operator set from which each operator takes its axes as an input; before, they are an attribute."""

SIZES_ARE_INPUTS = 13
"""The operator set from which Split takes its sizes as an input."""


@dataclass(frozen=True)
class OnnxTensor:
    """An input or an output of a graph: its *name*, its *dtype* by its numpy name, its static *shape*."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class OnnxGraph:
    """A graph that is being written.

    Attributes:
        opset: the version of the operator set.
        nodes: the `NodeProto`s, in execution order.
        inputs: the inputs of a graph that is continued; empty for a new one.
    """

    def __init__(self, opset: int, reserved: Iterable[str] = ()) -> None:
        """Start a graph; no node or constant gets one of the *reserved* names, those of its inputs and outputs.

        Raises:
            InputError: this writer does not know the operator set.
            MissingToolError: the package `onnx` is not installed.
        """
        if opset not in IR_VERSIONS:
            raise InputError(f"opset {opset}: want {OPSETS[0]} to {OPSETS[-1]}")
        self.opset = opset
        self.nodes: list[Any] = []
        self.inputs: tuple[OnnxTensor, ...] = ()
        self._onnx = load_onnx()
        self._next = dict.fromkeys(reserved, 1)
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._arrays: dict[str, NDArray[Any]] = {}

    @classmethod
    def of(cls, model: Any, reserved: Iterable[str] = ()) -> OnnxGraph:
        """Return the graph of the `ModelProto` *model*, which this writer made, to be continued; see `__init__`."""
        onnx = load_onnx()
        tensors = [cls._tensor(info) for info in model.graph.input]
        made = cls(model.opset_import[0].version, [*reserved, *(tensor.name for tensor in tensors)])
        made.inputs = tuple(tensors)
        made.nodes = list(model.graph.node)
        for node in made.nodes:
            made._next.update(dict.fromkeys((node.name, *node.output), 1))
        for stored in model.graph.initializer:
            array = onnx.numpy_helper.to_array(stored)
            made._next[stored.name], made._arrays[stored.name] = 1, array
            made._constants[_key(array)] = stored.name
        return made

    @staticmethod
    def _tensor(info: Any) -> OnnxTensor:
        onnx, found = load_onnx(), info.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(found.elem_type).name
        return OnnxTensor(info.name, dtype, tuple(int(side.dim_value) for side in found.shape.dim))

    def _unique(self, name: str) -> str:
        number = self._next.get(name)
        while number is not None:
            self._next[name] = number + 1
            if f"{name}_{number}" not in self._next:
                name = f"{name}_{number}"
                break
            number += 1
        self._next[name] = 1
        return name

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """Return the name of a constant with this *value*: a new one like *name*, or that of an equal constant."""
        array = np.array(value, order="C")  # ascontiguousarray would make a scalar a vector
        key = _key(array)
        if key not in self._constants:
            made = self._constants[key] = self._unique(name)
            self._arrays[made] = array
        return self._constants[key]

    def integers(self, name: str, values: Iterable[int]) -> str:
        """Return the name of an int64 vector: axes, a shape, sizes."""
        return self.constant(name, np.array(list(values), np.int64))

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Add a node with one output, called like *name*, and return that output's name."""
        return self.split_node(operator, inputs, [name], **attributes)[0]

    def split_node(
        self, operator: str, inputs: Sequence[str], names: Sequence[str], **attributes: Any
    ) -> tuple[str, ...]:
        """Add a node with several outputs, called like *names*, and return their names."""
        outputs = [self._unique(name) for name in names]
        label = self._unique(f"{operator}/{names[0]}")
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), outputs, name=label, **attributes))
        return tuple(outputs)

    def over_axes(self, operator: str, x: str, axes: Sequence[int], name: str, **attributes: Any) -> str:
        """Add a node that works along *axes*: an attribute or an input, by the operator and the set."""
        if self.opset >= AXES_ARE_INPUTS[operator]:
            return self.node(operator, [x, self.integers("axes", axes)], name, **attributes)
        return self.node(operator, [x], name, axes=list(axes), **attributes)

    def rename(self, name: str, to: str) -> str:
        """Call the value or constant *name*, if there is one, like *to*, and return its new name."""
        made = self._unique(to)
        for node in self.nodes:
            for names in (node.input, node.output):
                for place, found in enumerate(names):
                    if found == name:
                        names[place] = made
        if name in self._arrays:
            array = self._arrays.pop(name)
            self._arrays[made] = array
            self._constants[_key(array)] = made
        return made

    def split(self, x: str, sizes: Sequence[int], axis: int, name: str) -> tuple[str, ...]:
        """Add a Split into parts of these *sizes* along *axis*, and return them."""
        names = [f"{name}_part_{number}" for number in range(len(sizes))]
        if self.opset >= SIZES_ARE_INPUTS:
            return self.split_node("Split", [x, self.integers("sizes", sizes)], names, axis=axis)
        return self.split_node("Split", [x], names, axis=axis, split=list(sizes))

    def transpose(self, x: str, order: Sequence[int], name: str) -> str:
        """Add a Transpose to *order*."""
        return self.node("Transpose", [x], name, perm=list(order))

    def cast(self, x: str, dtype: str, name: str) -> str:
        """Add a Cast to the *dtype* called so in numpy."""
        return self.node("Cast", [x], name, to=self._code(dtype))

    def finish(self, inputs: Sequence[OnnxTensor], outputs: Sequence[tuple[str, OnnxTensor]]) -> Any:
        """Return the `ModelProto`, without nodes and constants that no output needs.

        Args:
            inputs: the graph's inputs; their names were reserved.
            outputs: the value of each output, and the output; their names were reserved.
        """
        onnx = self._onnx
        kept = self._needed(value for value, _output in outputs)
        names: dict[str, str] = {}
        for value, output in outputs:
            if value not in names and _renamed(kept, value, output.name):
                names[value] = output.name
                continue
            source = names.get(value, value)
            kept.append(onnx.helper.make_node("Identity", [source], [output.name], name=f"Identity/{output.name}"))
        read = dict.fromkeys(name for node in kept for name in node.input)
        constants = [onnx.numpy_helper.from_array(self._arrays[name], name) for name in read if name in self._arrays]
        graph = onnx.helper.make_graph(
            kept,
            "detlite",
            list(map(self._info, inputs)),
            [self._info(output) for _value, output in outputs],
            constants,
        )
        return onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", self.opset)],
            producer_name="detlite",
            producer_version=__version__,
            ir_version=IR_VERSIONS[self.opset],
        )

    def _needed(self, outputs: Iterable[str]) -> list[Any]:
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                needed |= set(node.input)
                kept.append(node)
        return kept[::-1]

    def _info(self, tensor: OnnxTensor) -> Any:
        code = self._code(tensor.dtype)
        return self._onnx.helper.make_tensor_value_info(tensor.name, code, list(tensor.shape))

    def _code(self, dtype: str) -> int:
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _key(array: NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    """Return what two constants of the same value have in common."""
    return array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest()


def _renamed(nodes: Sequence[Any], value: str, name: str) -> bool:
    """Rename the *value* that one of *nodes* makes to *name*, and return whether there is such a node."""
    if not any(value in node.output for node in nodes):
        return False
    for node in nodes:
        for names in (node.input, node.output):
            for place, found in enumerate(names):
                if found == value:
                    names[place] = name
    return True
