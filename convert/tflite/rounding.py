"""Removal of a float model's training-time rounding before it is quantized.

SpaghettiNet rounds to 8 bits between layers even as a float network; detlite writes that as MUL, ADD, FLOOR. An int8
model rounds anyway, and FLOOR has no int8 form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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

SCALED = {"CONV_2D": 1, "MUL": 1}
"""Operators that may follow, and the index of their input to multiply by the scale."""


def remove_rounding(file: TfliteFile) -> None:
    """Remove the roundings `floor(x / scale + 0.5) * scale` from the float model *file*, if any.

    The converter folds the last multiplication into the following convolution, which therefore gets the scale.
    """
    model, subgraph = file.model, file.subgraph
    makers = {int(index): operator for operator in subgraph.operators for index in operator.outputs}
    floors = [operator for operator in subgraph.operators if operator_name(model, operator) == "FLOOR"]
    taken = sum(_take_out(model, subgraph, makers, floor) for floor in floors)
    if taken:
        drop_unused(file.edit())


def _take_out(model: Any, subgraph: Any, makers: dict[int, Any], floor: Any) -> bool:
    """Remove one rounding from *model*; return False, and keep the operator, if the floor is not a rounding."""
    half = makers.get(int(floor.inputs[0]))
    scaled = None if half is None or _scalar(model, subgraph, half, "ADD") != 0.5 else makers.get(int(half.inputs[0]))
    steps = None if scaled is None else _scalar(model, subgraph, scaled, "MUL")
    readers = [operator for operator in subgraph.operators if floor.outputs[0] in operator.inputs]
    if half is None or scaled is None or steps is None or len(readers) != 1:
        return False
    reader, place = readers[0], SCALED.get(operator_name(model, readers[0]))
    if place is None or not _is_real(model, subgraph.tensors[reader.inputs[place]]):
        return False
    inner = subgraph.tensors[reader.inputs[place]]
    values = constant_of(model, inner) * np.float32(steps)
    reader.inputs = [int(index) for index in reader.inputs]
    reader.inputs[0], reader.inputs[place] = scaled.inputs[0], Edit(model, subgraph).constant(name_of(inner), values)
    for operator in (floor, half, scaled):
        _drop_if_unread(subgraph, operator)
    return True


def _drop_if_unread(subgraph: Any, operator: Any) -> None:
    read = {int(index) for other in subgraph.operators for index in other.inputs} | set(map(int, subgraph.outputs))
    if not read & set(map(int, operator.outputs)):
        subgraph.operators.remove(operator)


def _scalar(model: Any, subgraph: Any, operator: Any, kind: str) -> float | None:
    """Return the number by which *operator* adds or multiplies; None if it is not of that *kind*."""
    if operator_name(model, operator) != kind:
        return None
    tensor = subgraph.tensors[operator.inputs[1]]
    if not _is_real(model, tensor):
        return None
    values = constant_of(model, tensor)
    return float(values.ravel()[0]) if values.size == 1 else None


def _is_real(model: Any, tensor: Any) -> bool:
    return is_constant(model, tensor) and dtype_name(tensor) == "float32"
