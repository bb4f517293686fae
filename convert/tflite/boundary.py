"""The dtype of an int8 model's input and raw heads, as the program around it wants them."""

from __future__ import annotations

from typing import Any

from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import INPUT, name_heads
from detlite.convert.tflite.tensors import image_of, main_subgraph, quantization_of, shape_of
from detlite.runtime.contract import RAW_ROLES, Quantization
from detlite.runtime.errors import InputError

UINT8_SHIFT = 128
"""uint8 is int8 plus 128: the same scale, and no rounding in between."""


def with_boundary(data: bytes, *, inputs: str, outputs: str) -> bytes:
    """Return the canonical int8 model *data* with an input, and raw heads, of these dtypes: int8, uint8 or float32.

    One QUANTIZE or DEQUANTIZE is put where the dtype differs; the network between stays as it is.
    """
    model = load(data, "the quantized model")
    subgraph = main_subgraph(model)
    edit = Edit(model, subgraph)
    if inputs != "int8":
        inner = image_of(subgraph)
        outer = _twin(edit, subgraph, inner, INPUT, inputs)
        edit.operator(QUANTIZE, [outer], [inner], first=True)
        subgraph.tensors[inner].name = f"{INPUT}_int8"
        subgraph.inputs = [outer]
    heads = {}
    for role, inner in zip(RAW_ROLES, subgraph.outputs, strict=True):
        heads[role] = inner
        if outputs != "int8":
            heads[role] = _twin(edit, subgraph, inner, role, outputs)
            edit.operator(DEQUANTIZE if outputs == "float32" else QUANTIZE, [inner], [heads[role]])
            subgraph.tensors[inner].name = f"{role}_int8"
    name_heads(model, heads)
    return dump(model)


def _twin(edit: Edit, subgraph: Any, index: int, name: str, dtype: str) -> int:
    """Add a tensor of *dtype* that holds what the int8 tensor *index* holds, and return it."""
    tensor = subgraph.tensors[index]
    found = quantization_of(tensor)
    if found is None:
        raise InputError(f"the model's {name} is not quantized")
    own = None if dtype == "float32" else Quantization(found.scale, found.zero_point + UINT8_SHIFT)
    return edit.tensor(name, shape_of(tensor), dtype=dtype, quantization=own)
