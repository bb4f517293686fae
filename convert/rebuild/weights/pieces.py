"""Variables that are stored in pieces: all of them in format V1, partitioned ones in V2."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

FULL = -1
"""The length of an extent that takes in the whole of its side, as keys are sorted by it."""

DTYPES = {1: "float32", 2: "float64", 3: "int32", 7: "string", 9: "int64", 10: "bool", 14: "bfloat16", 19: "float16"}
"""Of TensorFlow's `types.proto`, those that checkpoints of detectors hold."""


@dataclass(frozen=True)
class Extent:
    """Where a piece lies along one side: *start*, and *length* or `FULL`."""

    start: int
    length: int

    def within(self, side: int) -> slice:
        """Return the indices along a side of that many; raise `InputError` where they are beyond it."""
        length = side - self.start if self.length == FULL else self.length
        if not (self.start >= 0 and length >= 0 and self.start + length <= side):
            raise InputError(f"a piece from {self.start}, {length} long, of a side of {side}")
        return slice(self.start, self.start + length)


def extents_of(record: Any) -> tuple[Extent, ...]:
    """Return the extents of a `TensorSliceProto`, one for each side."""
    return tuple(Extent(extent.start, extent.length if extent.HasField("length") else FULL) for extent in record.extent)


def shape_of(record: Any) -> tuple[int, ...]:
    """Return the shape that a `TensorShapeProto` says; raise `InputError` where it says none."""
    shape = tuple(int(dim.size) for dim in record.dim)
    if record.unknown_rank or any(side < 0 for side in shape):
        raise InputError(f"a variable of unknown shape {shape}")
    return shape


def dtype_of(number: int) -> str:
    """Return what a `DataType` of TensorFlow is called."""
    return DTYPES.get(number, f"number {number} of TensorFlow's")


def bfloat16(bits: NDArray[np.uint16]) -> Floats:
    """Return the numbers of which *bits* are the upper halves."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def assemble(shape: tuple[int, ...], pieces: Sequence[tuple[tuple[Extent, ...], NDArray[Any]]]) -> NDArray[Any]:
    """Return the variable of *shape* that *pieces*, each with its place, make up.

    Raises:
        InputError: they do not: what of it is wrong.
    """
    count, wanted = sum(values.size for _place, values in pieces), math.prod(shape)
    if count != wanted:  # before anything of a claimed size is made
        raise InputError(f"its pieces hold {count} numbers, and its shape {shape} wants {wanted}")
    whole = np.full(shape, np.nan, pieces[0][1].dtype)
    for place, values in pieces:
        if len(place) != len(shape):
            raise InputError(f"a piece with {len(place)} sides of a shape {shape}")
        indices = tuple(extent.within(side) for extent, side in zip(place, shape, strict=True))
        part = whole[indices]
        if part.size != values.size:
            raise InputError(f"a piece of {values.size} numbers where {part.size} have room")
        whole[indices] = values.reshape(part.shape)
    return whole
