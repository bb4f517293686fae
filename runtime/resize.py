"""Resize rules in numpy: the ones that the models were trained with, to the bit of rounding.

Pillow's and OpenCV's bilinear resizing are others: they filter or round, and detections differ.
"""

from __future__ import annotations

import functools
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.contract import Floats
from detlite.runtime.errors import ContractError

Table = Tuple[NDArray[np.intp], NDArray[np.intp], Floats]


def resize(image: NDArray[np.uint8], height: int, width: int, rule: str) -> Floats:
    """Return *image*, uint8 (h, w, c), as float32 (height, width, c), 0..255, by the bilinear *rule*.

    `tf1_bilinear` samples at i * in / out (tf.compat.v1.image.resize_bilinear), `half_pixel_bilinear` at
    (i + 0.5) * in / out - 0.5 (tf.image.resize, half_pixel_centers), neither with a filter.
    """
    if rule not in ("tf1_bilinear", "half_pixel_bilinear"):
        raise ContractError(f"no resize rule is called {rule!r}")
    if image.shape[:2] == (height, width):
        return image.astype(np.float32)
    half = rule == "half_pixel_bilinear"
    top, bottom, down = _table(image.shape[0], height, half)
    left, right, across = _table(image.shape[1], width, half)
    rows = _blend(image.take(top, 0), image.take(bottom, 0), down[:, None, None])
    return _blend(rows.take(left, 1), rows.take(right, 1), across[None, :, None])


def _blend(low: NDArray[np.generic], high: NDArray[np.generic], weight: Floats) -> Floats:
    """Return low + (high - low) * weight in float32, with as few passes as numpy allows."""
    base = low.astype(np.float32)
    step = np.subtract(high, base, dtype=np.float32)
    step *= weight
    base += step
    return base


@functools.lru_cache(maxsize=256)
def _table(size_in: int, size_out: int, half_pixel: bool) -> Table:
    """Return, for each of *size_out* samples, its two neighbours and the weight of the second."""
    scale = np.float32(size_in) / np.float32(size_out)
    at = np.arange(size_out, dtype=np.float32)
    where = (at + np.float32(0.5)) * scale - np.float32(0.5) if half_pixel else at * scale
    floor = np.floor(where)
    low = np.clip(floor, 0, size_in - 1).astype(np.intp)
    high = np.clip(floor + 1, 0, size_in - 1).astype(np.intp)
    return low, high, (where - floor).astype(np.float32)
