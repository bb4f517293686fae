"""The dtypes of a quantized model's input and raw heads, for the program around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detlite.convert.tflite.edit import QUANTIZE, Edit
from detlite.convert.tflite.heads import INPUT, further_inputs, name_heads
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.signature import sign, signed_outputs
from detlite.convert.tflite.tensors import dtype_name, image_of, quantization_of, shape_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import RAW_ROLES
from detlite.runtime.tensors import Quantization

UINT8_SHIFT = 128
"""uint8 is int8 plus 128: the same scale, and no rounding in between."""


def set_boundary(file: TfliteFile, *, inputs: str, outputs: str, names: Sequence[str] = RAW_ROLES) -> None:
    """Change the canonical quantized model *file* to these dtypes of its image and its raw heads.

    All its outputs are called *names*; those with the name of an input are states, which stay as they are. int8 becomes
    uint8 or float32, int16 float32. One QUANTIZE or DEQUANTIZE is inserted if the dtype differs; the network between is
    unchanged.
    """
    subgraph = file.subgraph
    states = further_inputs(subgraph)
    ends = dict(zip(names, subgraph.outputs, strict=True))
    stored = {dtype_name(subgraph.tensors[index]) for name, index in ends.items() if name not in states}
    read = dtype_name(subgraph.tensors[image_of(subgraph)])
    if read == inputs and stored == {outputs}:
        return
    model = file.edit()
    edit = Edit(model, subgraph)
    if read != inputs:
        _put_input(edit, subgraph, inputs)
    heads = dict(ends)
    for role, inner in ends.items():
        if role in states:
            continue
        dtype = dtype_name(subgraph.tensors[inner])
        if outputs == "float32":
            heads[role] = edit.as_float(inner)
        elif outputs != dtype:
            heads[role] = _twin(edit, subgraph, inner, role, outputs)
            edit.operator(QUANTIZE, [inner], [heads[role]])
        if heads[role] != inner:
            subgraph.tensors[inner].name = f"{role}_{dtype}"
    name_heads(model, heads)


def with_uint8_input(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the int8 model *data*, with raw heads or its op, changed to a uint8 image, and its contract.

    Raises:
        InputError: the input is not int8, or not quantized.
    """
    quantization = contract.image.quantization
    if contract.image.dtype != "int8" or quantization is None:
        raise InputError(f"the model's input is {contract.image.dtype}; an int8 one becomes uint8")
    file = TfliteFile(data)
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    _put_input(Edit(model, subgraph), subgraph, "uint8")
    outputs = signed_outputs(model)
    if outputs:
        sign(model, {INPUT: image_of(subgraph), **further_inputs(subgraph)}, outputs)
    shifted = replace(quantization, zero_point=quantization.zero_point + UINT8_SHIFT)
    image = replace(contract.image, name=INPUT, dtype="uint8", quantization=shifted)
    return file.data, contract.with_image(image)


def _put_input(edit: Edit, subgraph: Any, dtype: str) -> None:
    """Insert an input of *dtype* before the integer input of *subgraph*."""
    inner = image_of(subgraph)
    outer = _twin(edit, subgraph, inner, INPUT, dtype)
    edit.operator(QUANTIZE, [outer], [inner], first=True)
    subgraph.tensors[inner].name = f"{INPUT}_{dtype_name(subgraph.tensors[inner])}"
    subgraph.inputs = [outer, *subgraph.inputs[1:]]


def _twin(edit: Edit, subgraph: Any, index: int, name: str, dtype: str) -> int:
    """Add a tensor of *dtype*, float32 or uint8, for the values of the quantized tensor *index*; return its index."""
    tensor = subgraph.tensors[index]
    found = quantization_of(tensor)
    if found is None:
        raise InputError(f"the model's {name} is not quantized")
    own = None if dtype == "float32" else Quantization(found.scale, found.zero_point + UINT8_SHIFT)
    return edit.tensor(name, shape_of(tensor), dtype=dtype, quantization=own)
