"""Variables stored in pieces (TensorFlow's tensor slices): all of them in V1 checkpoints, partitioned ones in V2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

FULL = -1
"""The length of an extent that covers its whole dimension; keys are sorted by this value."""

DTYPES = {1: "float32", 2: "float64", 3: "int32", 7: "string", 9: "int64", 10: "bool", 14: "bfloat16", 19: "float16"}
"""TensorFlow's dtype numbers (`types.proto`) that occur in checkpoints of detectors."""


@dataclass(frozen=True)
class Extent:
    """The extent of a piece along one dimension: *start*, and *length* or `FULL`."""

    start: int
    length: int

    def within(self, side: int) -> slice:
        """Return the indices along a dimension of size *side*; raise `InputError` if they exceed it."""
        length = side - self.start if self.length == FULL else self.length
        if not (self.start >= 0 and length >= 0 and self.start + length <= side):
            raise InputError(f"a piece of length {length} at {self.start} exceeds a dimension of size {side}")
        return slice(self.start, self.start + length)


def extents_of(record: Any) -> tuple[Extent, ...]:
    """Return the extents of a `TensorSliceProto`, one for each dimension."""
    return tuple(Extent(extent.start, extent.length if extent.HasField("length") else FULL) for extent in record.extent)


def shape_of(record: Any) -> tuple[int, ...]:
    """Return the shape in a `TensorShapeProto`; raise `InputError` if it is not fully known."""
    shape = tuple(int(dim.size) for dim in record.dim)
    if record.unknown_rank or any(side < 0 for side in shape):
        raise InputError(f"a variable of unknown shape {shape}")
    return shape


def dtype_of(number: int) -> str:
    """Return the name of TensorFlow's dtype *number*."""
    return DTYPES.get(number, f"number {number} of TensorFlow's")


def bfloat16(bits: NDArray[np.uint16]) -> Floats:
    """Return the float32 values of bfloat16 *bits*, the upper halves of the values' bits."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def assemble(shape: tuple[int, ...], pieces: Sequence[tuple[tuple[Extent, ...], NDArray[Any]]]) -> NDArray[Any]:
    """Return the variable of *shape* assembled from *pieces*, each given as (place, values).

    Raises:
        InputError: the pieces do not make up the variable.
    """
    count, expected = sum(values.size for _place, values in pieces), math.prod(shape)
    if count != expected:  # checked before memory of a claimed size is allocated
        raise InputError(f"its pieces hold {counted(count, 'value')}, but its shape {shape} needs {expected}")
    whole = np.full(shape, np.nan, pieces[0][1].dtype)
    for place, values in pieces:
        if len(place) != len(shape):
            raise InputError(f"a piece has {counted(len(place), 'dimension')}, but the shape is {shape}")
        indices = tuple(extent.within(side) for extent, side in zip(place, shape, strict=True))
        part = whole[indices]
        if part.size != values.size:
            raise InputError(f"a piece holds {values.size} values, but its place has {part.size}")
        whole[indices] = values.reshape(part.shape)
    return whole
