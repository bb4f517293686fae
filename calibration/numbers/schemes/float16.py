"""float16 weights and biases behind a DEQUANTIZE each: half the file, the same detections, float arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.calibration.numbers.scheme import Scheme
from detlite.convert.tflite.edit import DEQUANTIZE, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import (
    POSTPROCESS,
    constant_of,
    dtype_name,
    is_constant,
    main_subgraph,
    name_of,
    operator_name,
    shape_of,
)

FLOAT16_MAX = float(np.finfo(np.float16).max)


def pack(file: TfliteFile) -> None:
    """Store the float32 constants of *file* as float16, each read through a DEQUANTIZE.

    This is the form that TensorFlow's converter writes, and whose DEQUANTIZE XNNPACK folds away. Constants beyond
    float16 (65504, or not finite) stay float32, as do the anchors of the post-processing op, which reads no other.
    """
    model, subgraph = file.edit(), file.subgraph
    edit = Edit(model, subgraph)
    operators = subgraph.operators
    unpacked: dict[int, int] = {}
    subgraph.operators = []  # the conversions come first
    for operator in operators:
        if operator_name(model, operator) != POSTPROCESS:
            operator.inputs = [_packed(model, edit, int(index), unpacked) for index in operator.inputs]
    subgraph.operators += operators
    drop_unused(model)


def _packed(model: Any, edit: Edit, index: int, unpacked: dict[int, int]) -> int:
    """Return the float32 tensor that stands for the tensor *index*: made once, and itself where it is not packed."""
    if index not in unpacked:
        unpacked[index] = _unpacked(model, edit, index) if index >= 0 else index
    return unpacked[index]


def _unpacked(model: Any, edit: Edit, index: int) -> int:
    tensor = main_subgraph(model).tensors[index]
    if dtype_name(tensor) != "float32" or not is_constant(model, tensor):
        return index
    values = constant_of(model, tensor)
    if not (np.abs(values) <= FLOAT16_MAX).all():
        return index
    half = edit.constant(f"{name_of(tensor)}_float16", values.astype(np.float16))
    made = edit.tensor(f"{name_of(tensor)}_float32", shape_of(tensor))
    edit.operator(DEQUANTIZE, [half], [made])
    return made


PLUGIN = Scheme(
    title="float16 weights and biases, float32 activations; no images",
    source="TensorFlow Lite post-training float16 quantization",
    pack=pack,
)
