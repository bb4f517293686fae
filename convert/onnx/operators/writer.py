"""What writes one TFLite operator, and what several of these share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detlite.convert.onnx.translation import NHWC, TfliteOperator, Translation
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

Writer = Callable[[Translation, TfliteOperator], None]

SAME, VALID = 0, 1
"""Padding in the TFLite schema."""


def same_pads(
    sizes: Sequence[int], outputs: Sequence[int], windows: Sequence[int], strides: Sequence[int]
) -> list[int]:
    """Return the padding of TensorFlow's SAME in ONNX's order: before each axis, then after each."""
    totals = [
        max((output - 1) * stride + window - size, 0)
        for size, output, window, stride in zip(sizes, outputs, windows, strides, strict=True)
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def axes_of(t: Translation, index: int, rank: int) -> list[int]:
    """Return the axes in the constant *index*, sorted and from 0, of a tensor with *rank* axes."""
    return sorted({axis_of(int(axis), rank) for axis in t.stored(index).ravel()})


def axis_of(axis: int, rank: int) -> int:
    """Return *axis*, which may count from the end, from 0.

    Raises:
        InputError: a tensor with *rank* axes has no such axis.
    """
    if not -rank <= axis < rank:
        raise InputError(f"axis {axis} of a tensor with {counted(rank, 'axis', 'axes')}: the model is damaged")
    return axis % rank


def reshaped(t: Translation, x: str, shape: Sequence[int], name: str) -> str:
    """Add a Reshape of *x*, which is in NHWC, and return its output."""
    return t.graph.node("Reshape", [x, t.graph.integers(f"{name}_shape", shape)], name)


def in_order(t: Translation, index: int) -> str:
    """Return a tensor's value with its numbers in TFLite's order; a map of one cell has it in either layout."""
    shape = t.shape(index)
    if t.is_map(index) and shape[1:3] == (1, 1) and (layouts := t.layouts(index)):
        return t.value(index, layouts[0])
    return t.value(index, NHWC)
