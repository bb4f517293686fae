"""float16 weights and biases, each read through a DEQUANTIZE: half the file size, same detections, float arithmetic."""

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

    This is the form that TensorFlow's converter writes; XNNPACK folds its DEQUANTIZE away. Constants outside float16
    (above 65504, or not finite) stay float32, as do the anchors of the post-processing op, which reads only float32.
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
    """Return the float32 form of the tensor *index*, created once; *index* itself if it is not packed."""
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
    title="float16 weights and biases, float32 activations; needs no images",
    source="TensorFlow Lite post-training float16 quantization",
    pack=pack,
)
