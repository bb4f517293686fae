"""A .tflite model for the mapping rules: operators in file order, tensors, constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import (
    constant_of,
    dtype_name,
    is_constant,
    main_subgraph,
    name_of,
    operator_name,
    shape_of,
)
from detlite.runtime.errors import InputError

EIGHT_BIT = ("int8", "uint8")
FLOATS = ("float16", "float32", "float64")
CUSTOM_CODE = 32
MOST_VALUES = 1 << 24  # in a constant that a rule reads: axes, paddings and alphas are small

NO_INPUTS = ("VAR_HANDLE", "HASHTABLE", "CALL_ONCE")
NO_OUTPUTS = ("ASSIGN_VARIABLE", "HASHTABLE_IMPORT", "CALL_ONCE")
"""The builtin operators that may have none."""


@dataclass(frozen=True, eq=False)
class GraphTensor:
    """One tensor.

    Attributes:
        index: its index in the file.
        name: its name; empty if it has none.
        dtype: numpy's name for it.
        shape: static; a dynamic side has its initial value, mostly 1.
        signature: like `shape`, with -1 for a dynamic side.
        values: a constant's stored numbers; None for other tensors.
        is_constant: whether its values are in the file.
        is_variable: whether it keeps its values between inferences.
        scales: one, or one per channel; empty if it has none.
        zero_points: as many as *scales*, or empty.
        size_bytes: a constant's size in the file.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    is_constant: bool
    is_variable: bool
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    size_bytes: int
    values: NDArray[Any] | None


@dataclass(frozen=True, eq=False)
class GraphOperator:
    """One operator.

    Attributes:
        index: its index in the file.
        name: the builtin's name, or a custom operator's.
        code: the builtin code; `CUSTOM_CODE` for custom operators.
        version: the builtin's version, which depends on the features used.
        inputs: None for an omitted one.
        outputs: what it makes.
        stored: the schema's object.
    """

    index: int
    name: str
    code: int
    version: int
    inputs: tuple[GraphTensor | None, ...]
    outputs: tuple[GraphTensor, ...]
    stored: Any

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom operator."""
        return self.code == CUSTOM_CODE

    @property
    def activations(self) -> tuple[GraphTensor, ...]:
        """Its inputs and outputs, without constants and the states of recurrent layers."""
        whole = (*self.inputs, *self.outputs)
        return tuple(t for t in whole if t is not None and not t.is_constant and not t.is_variable)

    def input(self, number: int) -> GraphTensor | None:
        """Return an input; None if it is omitted or there are fewer."""
        return self.inputs[number] if number < len(self.inputs) else None

    def option(self, name: str) -> int:
        """Return a number from the options; 0, the schema's default for all that the rules read, if absent."""
        return int(getattr(self.stored.builtinOptions, name, 0) or 0)

    def numbers(self, number: int) -> tuple[int, ...] | None:
        """Return the values of a constant integer input as a flat tuple; None if it is not one."""
        tensor = self.input(number)
        if tensor is None or tensor.values is None or tensor.values.dtype.kind not in "iu":
            return None
        return tuple(int(value) for value in tensor.values.ravel())


@dataclass(frozen=True, eq=False)
class Graph:
    """The main subgraph of a model."""

    operators: tuple[GraphOperator, ...]
    tensors: tuple[GraphTensor, ...]
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]


def read_graph(data: bytes, name: str) -> Graph:
    """Return the graph of the .tflite file *data*; errors call it *name*.

    Raises:
        InputError: it is damaged, or has several subgraphs.
    """
    return graph_of(load(data, name))


def graph_of(model: Any) -> Graph:
    """Return the graph of a loaded model; see `detlite.convert.tflite.flatbuffer.load`.

    Raises:
        InputError: it has several subgraphs, or an operator without inputs or outputs.
    """
    subgraph = main_subgraph(model)
    tensors = tuple(_tensor(model, tensor, index) for index, tensor in enumerate(subgraph.tensors))
    return Graph(
        operators=tuple(_operator(model, op, i, tensors) for i, op in enumerate(subgraph.operators)),
        tensors=tensors,
        inputs=tuple(tensors[i] for i in subgraph.inputs),
        outputs=tuple(tensors[i] for i in subgraph.outputs),
    )


def _tensor(model: Any, tensor: Any, index: int) -> GraphTensor:
    data, constant = model.buffers[tensor.buffer].data, is_constant(model, tensor)
    shape = shape_of(tensor)
    signature = () if tensor.shapeSignature is None else tuple(int(side) for side in tensor.shapeSignature)
    stored = tensor.quantization
    return GraphTensor(
        index=index,
        name=name_of(tensor),
        dtype=dtype_name(tensor),
        shape=shape,
        signature=signature if len(signature) == len(shape) else shape,
        is_constant=constant,
        is_variable=bool(tensor.isVariable),
        scales=() if stored is None or stored.scale is None else tuple(map(float, stored.scale)),
        zero_points=() if stored is None or stored.zeroPoint is None else tuple(map(int, stored.zeroPoint)),
        size_bytes=len(data) if constant else 0,
        values=_values(model, tensor) if constant and len(data) <= MOST_VALUES else None,
    )


def _values(model: Any, tensor: Any) -> NDArray[Any] | None:
    try:
        return constant_of(model, tensor)
    except InputError:  # strings, packed and sparse numbers: no rule reads them
        return None


def _operator(model: Any, operator: Any, index: int, tensors: tuple[GraphTensor, ...]) -> GraphOperator:
    code, name = model.operatorCodes[operator.opcodeIndex], operator_name(model, operator)
    if (not len(operator.inputs) and name not in NO_INPUTS) or (not len(operator.outputs) and name not in NO_OUTPUTS):
        raise InputError(f"the model is damaged: operator {index}, {name}, has no inputs or no outputs")
    return GraphOperator(
        index=index,
        name=name,
        code=int(code.builtinCode),
        version=int(code.version),
        inputs=tuple(tensors[i] if i >= 0 else None for i in operator.inputs),
        outputs=tuple(tensors[i] for i in operator.outputs),
        stored=operator,
    )


def real_zeros(tensor: GraphTensor) -> bool:
    """Return whether a constant holds nothing but the real number 0."""
    zero = tensor.zero_points[0] if tensor.zero_points else 0
    return tensor.values is not None and bool(np.all(tensor.values == zero))
