"""A float ONNX file of detlite with float16 inside: inputs and outputs stay float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.onnx.package import load_onnx
from detlite.runtime.errors import InputError

KEPT = {"Resize": (1, 2)}
"""Places of inputs that stay float32, by operator: the region and the scales of a Resize."""

_INT8 = "leave out --precision, and what is not int8 computes in float32; scales in float16 would round again"
_NMS = "leave out --nms"
INSTEAD = {
    "QuantizeLinear": _INT8,
    "DequantizeLinear": _INT8,
    "NonMaxSuppression": _NMS,
    "EfficientNMS_TRT": _NMS,
}
"""What to do about each operator that float16 is not written of."""

LARGEST = float(np.finfo(np.float16).max)


def as_float16(data: bytes) -> bytes:
    """Return the ONNX file *data* with float16 constants and computations between two casts.

    Raises:
        InputError: it rounds to int8 or suppresses boxes, or a constant is too large for float16.
        MissingToolError: the package `onnx` is not installed.
    """
    onnx = load_onnx()
    model = onnx.load_from_string(data)
    graph = model.graph
    refused = next((node.op_type for node in graph.node if node.op_type in INSTEAD), None)
    if refused is not None:
        raise InputError(
            f"float16 is written of float models with raw heads, and this one has {refused}: {INSTEAD[refused]}"
        )
    kept = {node.input[i] for node in graph.node for i in KEPT.get(node.op_type, ()) if i < len(node.input)}
    for stored in graph.initializer:
        if stored.data_type == onnx.TensorProto.FLOAT and stored.name not in kept:
            stored.CopyFrom(onnx.numpy_helper.from_array(_halved(onnx, stored), stored.name))
    _cast_ends(onnx, graph)
    del graph.value_info[:]
    made = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    onnx.checker.check_model(made, full_check=True)
    found: bytes = made.SerializeToString(deterministic=True)
    return found


def _halved(onnx: Any, stored: Any) -> Any:
    array = onnx.numpy_helper.to_array(stored)
    finite = array[np.isfinite(array)]
    if finite.size and np.abs(finite).max() > LARGEST:
        raise InputError(f"{stored.name} holds {np.abs(finite).max():g}: float16 ends at {LARGEST:g}")
    return array.astype(np.float16)


def _cast_ends(onnx: Any, graph: Any) -> None:
    """Put a cast after each float input of *graph* and before each float output; casts inside go to float16."""
    kinds = onnx.TensorProto
    inner = {one.name: f"{one.name}_float16" for one in (*graph.input, *graph.output) if _is_float(onnx, one)}
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = inner.get(name, name)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == kinds.FLOAT:
                attribute.i = kinds.FLOAT16
    nodes = list(graph.node)
    make = onnx.helper.make_node
    first = [
        make("Cast", [one.name], [inner[one.name]], name=f"Cast/{inner[one.name]}", to=kinds.FLOAT16)
        for one in graph.input
        if one.name in inner
    ]
    last = [
        make("Cast", [inner[one.name]], [one.name], name=f"Cast/{one.name}", to=kinds.FLOAT)
        for one in graph.output
        if one.name in inner
    ]
    del graph.node[:]
    graph.node.extend([*first, *nodes, *last])


def _is_float(onnx: Any, value: Any) -> bool:
    return bool(value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT)
