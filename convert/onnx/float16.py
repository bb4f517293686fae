"""An ONNX file of detlite with float16 inside: inputs and outputs stay float32, and int8 stays int8."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.onnx.package import load_onnx
from detlite.runtime.errors import InputError

KEPT = {"Resize": (1, 2)}
"""Places of inputs that stay float32, by operator: the region and the scales of a Resize."""

REFUSED = ("NonMaxSuppression", "EfficientNMS_TRT")
ROUNDING = ("QuantizeLinear", "DequantizeLinear")
SCALES_OPSET = 19
"""The operator set from which a conversion to integers takes float16."""

FURTHEST = 0.01
"""How far a scale may move in float16, as a share of the largest of its tensor: it moves more where it is too small."""

SMALLEST = np.float16(2**-24)
"""What a scale that float16 would make 0 becomes: a channel of such weights adds nothing."""

LARGEST = float(np.finfo(np.float16).max)


def as_float16(data: bytes) -> bytes:
    """Return the ONNX file *data* with float16 constants and computations between two casts.

    Raises:
        InputError: it suppresses boxes, or rounds to int8 in an operator set before `SCALES_OPSET`; a constant is too
            large, or a scale too small, for float16.
        MissingToolError: the package `onnx` is not installed.
    """
    onnx = load_onnx()
    model = onnx.load_from_string(data)
    graph = model.graph
    refused = next((node.op_type for node in graph.node if node.op_type in REFUSED), None)
    if refused is not None:
        raise InputError(f"float16 is written of models with raw heads, and this one has {refused}: leave out --nms")
    scales = {node.input[1] for node in graph.node if node.op_type in ROUNDING}
    if scales and model.opset_import[0].version < SCALES_OPSET:
        raise InputError(
            f"an int8 model with float16 between its roundings needs the opset {SCALES_OPSET}, and this one has "
            f"{model.opset_import[0].version}: give the .tflite that it was made of"
        )
    kept = {node.input[i] for node in graph.node for i in KEPT.get(node.op_type, ()) if i < len(node.input)}
    for stored in graph.initializer:
        if stored.data_type == onnx.TensorProto.FLOAT and stored.name not in kept:
            halved = _halved(onnx, stored, is_scale=stored.name in scales)
            stored.CopyFrom(onnx.numpy_helper.from_array(halved, stored.name))
    _cast_ends(onnx, graph)
    del graph.value_info[:]
    made = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    onnx.checker.check_model(made, full_check=True)
    found: bytes = made.SerializeToString(deterministic=True)
    return found


def _halved(onnx: Any, stored: Any, *, is_scale: bool) -> Any:
    array = onnx.numpy_helper.to_array(stored)
    finite = array[np.isfinite(array)]
    if finite.size and np.abs(finite).max() > LARGEST:
        raise InputError(f"{stored.name} holds {np.abs(finite).max():g}: float16 ends at {LARGEST:g}")
    halved = array.astype(np.float16)
    if not is_scale:
        return halved
    halved = np.maximum(halved, SMALLEST)
    if (np.abs(halved - array) > FURTHEST * array.max()).any():
        raise InputError(f"{stored.name} holds the scale {array.max():g}, too small for float16: leave out --precision")
    return halved


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
