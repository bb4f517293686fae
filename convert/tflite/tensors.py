"""Facts of a loaded model's tensors and operators: names, shapes, dtypes, scales, constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Quantization

POSTPROCESS = "TFLite_Detection_PostProcess"
EDGETPU = "edgetpu-custom-op"

ITEM_BYTES: Mapping[str, int] = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}
"""Bytes per item of the dtypes that numpy has; others are packed, of variable length, or not numbers."""


@cache
def _names(enumeration: str) -> Mapping[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    return {code: name for name, code in vars(getattr(schema, enumeration)).items() if isinstance(code, int)}


def name_of(tensor: Any) -> str:
    """Return the tensor's name, printable; empty if it has none."""
    return text_of(tensor.name)


def text_of(raw: bytes | str | None) -> str:
    """Return a text of the file, which is bytes if it was read and `str` if it was set."""
    if raw is None:
        return ""
    return raw if isinstance(raw, str) else raw.decode("utf-8", errors="replace")


def dtype_name(tensor: Any) -> str:
    """Return the dtype by its numpy name, such as `float32`; others by the schema's, such as `int4`."""
    name = _names("TensorType").get(tensor.type)
    if name is None:
        raise InputError(f"tensor {name_of(tensor)} has the type {tensor.type}, which no TFLite schema knows")
    return name.lower()


def shape_of(tensor: Any) -> tuple[int, ...]:
    """Return the static shape; empty if the file has none."""
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def is_constant(model: Any, tensor: Any) -> bool:
    """Return whether the tensor's values are in the file."""
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def quantization_of(tensor: Any) -> Quantization | None:
    """Return the tensor's single scale and zero point; None if it has none.

    Raises:
        InputError: it has one per channel, or a scale that is not over 0.
    """
    stored = tensor.quantization
    if stored is None or stored.scale is None or not len(stored.scale):
        return None
    if len(stored.scale) != 1:
        raise InputError(f"tensor {name_of(tensor)} has {counted(len(stored.scale), 'scale')}; want one")
    has_zero_point = stored.zeroPoint is not None and len(stored.zeroPoint)
    return Quantization(float(stored.scale[0]), int(stored.zeroPoint[0]) if has_zero_point else 0)


def constant_of(model: Any, tensor: Any) -> NDArray[Any]:
    """Return a constant tensor's stored values, in their dtype and shape.

    Raises:
        InputError: it is not a constant, or has a dtype that numpy lacks.
    """
    dtype = dtype_name(tensor)
    if not is_constant(model, tensor) or dtype not in ITEM_BYTES or tensor.sparsity is not None:
        raise InputError(f"tensor {name_of(tensor)} ({dtype}) is not a constant of plain numbers")
    raw = np.asarray(model.buffers[tensor.buffer].data, dtype=np.uint8)
    array: NDArray[Any] = np.frombuffer(raw.tobytes(), dtype=np.dtype(dtype).newbyteorder("<"))
    return array.reshape(shape_of(tensor))


def real_constant_of(model: Any, tensor: Any) -> NDArray[np.float32]:
    """Return a constant tensor's real values: float32, dequantized if stored as integers."""
    stored, quantization = constant_of(model, tensor), quantization_of(tensor)
    if quantization is None:
        return stored.astype(np.float32)
    return ((stored.astype(np.float64) - quantization.zero_point) * quantization.scale).astype(np.float32)


def operator_name(model: Any, operator: Any) -> str:
    """Return the operator's name: the builtin's, or the custom operator's."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = _names("BuiltinOperator").get(code.builtinCode, f"BUILTIN_{code.builtinCode}")
    return text_of(code.customCode) if name == "CUSTOM" else name


def custom_operators(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of *names* that are no operators of TFLite's schema, nor its post-processing op."""
    known = {*_names("BuiltinOperator").values(), POSTPROCESS, EDGETPU}
    return tuple(sorted({name for name in names if name not in known}))


def main_subgraph(model: Any) -> Any:
    """Return the one subgraph of a detector.

    Raises:
        InputError: there are several, for control flow or several signatures.
    """
    if len(model.subgraphs) != 1:
        raise InputError(
            f"the model has {counted(len(model.subgraphs), 'subgraph')}, but detlite reads and edits only one"
        )
    return model.subgraphs[0]


def image_of(subgraph: Any) -> int:
    """Return the index of the input tensor that takes the image or the clip: the first.

    Raises:
        InputError: there is none.
    """
    if not len(subgraph.inputs):
        raise InputError("the model has no inputs; want an image")
    return int(subgraph.inputs[0])


def one_input_of(subgraph: Any) -> int:
    """Return the index of a model's one input tensor.

    Raises:
        InputError: there are several, or none.
    """
    if len(subgraph.inputs) != 1:
        raise InputError(f"the model has {counted(len(subgraph.inputs), 'input')}; want one, the image")
    return image_of(subgraph)
