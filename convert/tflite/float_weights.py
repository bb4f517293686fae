"""Weights that a finished model keeps as float16, or as int8 for a float network, as what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import (
    constant_of,
    dtype_name,
    is_constant,
    name_of,
    operator_name,
)

PACKED = ("float16", "int8")
CONVERSIONS = ("DEQUANTIZE", "QUANTIZE")


def unpack_weights(file: TfliteFile) -> None:
    """Give the model *file* float32 weights wherever a float operator reads packed ones.

    Float16 models have a DEQUANTIZE after each of their weights, dynamic-range ones give theirs to the operators.
    """
    subgraph = file.subgraph
    packed = list(_packed(file.model, subgraph))
    if not packed:
        return
    model = file.edit()
    edit = Edit(model, subgraph)
    made: dict[int, int] = {}
    for index in packed:
        tensor = subgraph.tensors[index]
        made[index] = edit.constant(name_of(tensor), _real(constant_of(model, tensor), tensor.quantization))
    _take_over(model, subgraph, made)
    drop_unused(model)


def _packed(model: Any, subgraph: Any) -> Iterator[int]:
    """Yield the packed constants that a DEQUANTIZE, or an operator with a float32 output, reads."""
    for operator in subgraph.operators:
        floating = any(dtype_name(subgraph.tensors[index]) == "float32" for index in operator.outputs)
        for index in operator.inputs:
            tensor = subgraph.tensors[index] if index >= 0 else None
            if floating and tensor is not None and dtype_name(tensor) in PACKED and is_constant(model, tensor):
                yield int(index)


def _take_over(model: Any, subgraph: Any, made: dict[int, int]) -> None:
    """Make the operators of *subgraph* read what was *made*, and drop the conversions that are left without work."""
    replaced = dict(made)
    kept = []
    for operator in subgraph.operators:
        if operator_name(model, operator) in CONVERSIONS and operator.inputs[0] in made:
            replaced[int(operator.outputs[0])] = made[int(operator.inputs[0])]
        else:
            kept.append(operator)
    for operator in kept:
        operator.inputs = [replaced.get(int(index), int(index)) for index in operator.inputs]
    subgraph.operators = kept


def _real(values: NDArray[Any], quantization: Any) -> NDArray[np.float32]:
    """Return what *values* stand for, one scale for all or for each index of an axis."""
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return values.astype(np.float32)
    scales = np.asarray(quantization.scale, np.float32)
    zeros = np.zeros(len(scales)) if quantization.zeroPoint is None else np.asarray(quantization.zeroPoint)
    shape = [-1 if place == quantization.quantizedDimension else 1 for place in range(values.ndim)]
    if len(scales) > 1:
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    real: NDArray[np.float32] = ((values.astype(np.float32) - zeros) * scales).astype(np.float32)
    return real
