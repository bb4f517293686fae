"""Weights and biases, and the operators that change how numbers are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.operators.writer import Writer
from detlite.convert.onnx.translation import TfliteOperator, Translation
from detlite.runtime.errors import InputError

CASTS = ("float32", "int32", "int64", "bool", "uint8", "int8")


def weights(t: Translation, index: int, order: Sequence[int], axis: int = 0) -> str:
    """Return the weights *index* with their axes in *order*; int8 ones stay int8, dequantized along *axis*.

    Raises:
        InputError: they are computed.
    """
    name, source = t.name(t.source(index)), t.source(index)
    if not t.is_rounded(source) or (found := t.scales(source)) is None:
        return t.graph.constant(name, t.real(index).transpose(order))
    return dequantized(t, name, t.stored(index).transpose(order), *found, axis=axis)


def dequantized(
    t: Translation,
    name: str,
    codes: NDArray[Any],
    scales: NDArray[np.float32],
    zeros: NDArray[np.int64],
    *,
    axis: int = 0,
) -> str:
    """Add the constant *codes*, called like *name*, and return its reals; several scales are those along *axis*."""
    stored = t.graph.constant(name, codes)
    per_channel = len(scales) > 1
    settings = [
        t.graph.constant(f"{name}_scale", scales if per_channel else scales[0]),
        t.graph.constant(
            f"{name}_zero_point", zeros.astype(codes.dtype) if per_channel else zeros[0].astype(codes.dtype)
        ),
    ]
    along = {"axis": axis} if per_channel else {}
    return t.graph.node("DequantizeLinear", [stored, *settings], f"{name}_real", **along)


def bias(t: Translation, operator: TfliteOperator, place: int) -> list[str]:
    """Return the bias of *operator* as a list: empty if it has none; an int32 one is dequantized."""
    if not operator.has(place):
        return []
    index = operator.inputs[place]
    name, found = t.name(index), t.scales(index)
    stored = t.stored(index)
    if stored.dtype != np.int32 or found is None:
        return [t.graph.constant(name, t.real(index))]
    return [dequantized(t, name, stored, *found)]


def _quantize(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    layout = t.map_layout(x)
    t.put(y, t.value(x, layout), layout)


def _dequantize(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    if t.layouts(x):
        t.share(y, x)
    else:
        t.unpacked(y, x)


def _cast(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    to = t.dtype(y)
    if to not in CASTS or t.is_rounded(y):
        raise InputError(f"{t.name(y)} is a cast to {to}, which the ONNX writer does not know")
    layout = t.common_layout([x])
    t.put(y, t.graph.cast(t.value(x, layout), to, t.name(y)), layout)


WRITERS: Mapping[str, Writer] = {"QUANTIZE": _quantize, "DEQUANTIZE": _dequantize, "CAST": _cast}
