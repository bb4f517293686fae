"""Tensors in TensorFlow's layout: pictures stay [1, H, W, C], and are transposed only where an operator needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NHWC = (0, 2, 3, 1)
"""The axes of ONNX, in the order in which TensorFlow has them."""


@dataclass(frozen=True, eq=False)
class Laid:
    """An ONNX tensor as TensorFlow holds it.

    Attributes:
        value: the TensorFlow tensor, or the array of a constant.
        order: the ONNX axis of each of its axes: `value` is the ONNX tensor, transposed by *order*.
    """

    value: Any
    order: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        """Whether its axes are in the order of ONNX."""
        return self.order == tuple(range(len(self.order)))

    @property
    def is_constant(self) -> bool:
        """Whether it is the array of a constant."""
        return isinstance(self.value, np.ndarray)

    def axis(self, number: int) -> int:
        """Return where ONNX's axis *number* (which may be negative) is."""
        return self.order.index(number % len(self.order))

    def moved(self, permutation: Sequence[int]) -> Laid:
        """Return what ONNX's Transpose by *permutation* makes of it; no value changes its place."""
        back = {old: new for new, old in enumerate(permutation)}
        return Laid(self.value, tuple(back[axis] for axis in self.order))


def plain(value: Any, rank: int) -> Laid:
    """Return *value*, whose *rank* axes are in the order of ONNX."""
    return Laid(value, tuple(range(rank)))


def in_order(tf: Any, laid: Laid, order: Sequence[int]) -> Any:
    """Return the value of *laid* with its axes in *order*."""
    order = tuple(order)
    if laid.order == order:
        return laid.value
    permutation = tuple(laid.order.index(axis) for axis in order)
    if laid.is_constant:
        return np.ascontiguousarray(laid.value.transpose(permutation))
    return tf.transpose(laid.value, permutation)


def spread(array: NDArray[Any], rank: int) -> Laid:
    """Return the constant *array* with leading axes of length 1, so that it has *rank* axes."""
    return plain(array.reshape((1,) * (rank - array.ndim) + array.shape), rank)
