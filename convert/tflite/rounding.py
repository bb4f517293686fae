"""Rounding that a float model brings from its training, taken out again before it is quantized.

SpaghettiNet rounds to 8 bits between layers also as a float network; detlite writes that as MUL, ADD, FLOOR. An int8
model rounds by itself, and FLOOR has no int8 form.
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
"""Operators that may follow, and their input that is multiplied by the scale."""


def remove_rounding(file: TfliteFile) -> None:
    """Take the roundings `floor(x / scale + 0.5) * scale` out of the float model *file*, if it has any.

    The converter folds the last multiplication into the convolution that follows; there the scale goes, too.
    """
    model, subgraph = file.model, file.subgraph
    makers = {int(index): operator for operator in subgraph.operators for index in operator.outputs}
    floors = [operator for operator in subgraph.operators if operator_name(model, operator) == "FLOOR"]
    taken = sum(_take_out(model, subgraph, makers, floor) for floor in floors)
    if taken:
        drop_unused(file.edit())


def _take_out(model: Any, subgraph: Any, makers: dict[int, Any], floor: Any) -> bool:
    """Take one rounding out of *model*; return False where the floor is something else, and stays."""
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
    """Return the one number that *operator*, of that *kind*, adds or multiplies by; None where it is another one."""
    if operator_name(model, operator) != kind:
        return None
    tensor = subgraph.tensors[operator.inputs[1]]
    if not _is_real(model, tensor):
        return None
    values = constant_of(model, tensor)
    return float(values.ravel()[0]) if values.size == 1 else None


def _is_real(model: Any, tensor: Any) -> bool:
    return is_constant(model, tensor) and dtype_name(tensor) == "float32"
