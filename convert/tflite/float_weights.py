"""Unpacking the float16 or int8 weights of a finished float model to float32."""

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
    """Replace packed weights by float32 ones wherever a float operator of the model *file* reads them.

    Float16 models have a DEQUANTIZE after each weight; dynamic-range models pass packed weights to the operators.
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
        made[index] = edit.constant(name_of(tensor), real_values(constant_of(model, tensor), tensor.quantization))
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
    """Let the operators of *subgraph* read the tensors that were *made*, and drop conversions without a use."""
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


def real_values(values: NDArray[Any], quantization: Any) -> NDArray[np.float32]:
    """Return the real values of *values*, with one scale for all, one per index of an axis, or none."""
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return values.astype(np.float32)
    scales = np.asarray(quantization.scale, np.float32)
    zeros = np.zeros(len(scales)) if quantization.zeroPoint is None else np.asarray(quantization.zeroPoint)
    shape = [-1 if place == quantization.quantizedDimension else 1 for place in range(values.ndim)]
    if len(scales) > 1:
        scales, zeros = scales.reshape(shape), zeros.reshape(shape)
    real: NDArray[np.float32] = ((values.astype(np.float32) - zeros) * scales).astype(np.float32)
    return real
