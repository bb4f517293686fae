"""Resize rules in numpy: the ones that the models were trained with, to the bit of rounding.

Pillow's and OpenCV's bilinear resizing are others: they filter or round, and detections differ.
"""

from __future__ import annotations

import functools
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import ContractError
from detlite.runtime.inputs import RESIZE_RULES

MAP_RULES = (*RESIZE_RULES, "align_corners_bilinear")
"""The rules by which a map of scores grows to the input."""

STRIP = 16  # rows at a time: some 300 kB for a photograph of 640 x 480

Table = Tuple[NDArray[np.intp], NDArray[np.intp], Floats]


def resize(image: NDArray[np.uint8], height: int, width: int, rule: str) -> Floats:
    """Return *image*, uint8 (h, w, c), as float32 (height, width, c), 0..255, by the bilinear *rule*.

    `tf1_bilinear` samples at i * in / out (tf.compat.v1.image.resize_bilinear), `half_pixel_bilinear` at
    (i + 0.5) * in / out - 0.5 (tf.image.resize, half_pixel_centers), neither with a filter.
    """
    if rule not in RESIZE_RULES:
        raise ContractError(f"no resize rule is called {rule!r}")
    if image.shape[:2] == (height, width):
        return image.astype(np.float32)
    channels = image.shape[2]
    top, bottom, down = _table(image.shape[0], height, rule)
    left, right, across = _columns(image.shape[1], width, channels, rule)
    rows = np.ascontiguousarray(image).reshape(image.shape[0], -1)
    out = np.empty((height, width * channels), np.float32)
    strip = _Strip(rows.shape[1], out.shape[1])
    for begin in range(0, height, STRIP):
        part = slice(begin, begin + STRIP)
        strip.resize(rows, (top[part], bottom[part], down[part]), (left, right, across), out[part])
    return out.reshape(height, width, channels)


def resize_map(values: Floats, height: int, width: int, rule: str) -> Floats:
    """Return *values*, float32 (h, w, c), as (height, width, c), by the bilinear *rule*, one of `MAP_RULES`.

    `align_corners_bilinear` samples at i * (in - 1) / (out - 1), as TensorFlow 1's DeepLab does.
    """
    if rule not in MAP_RULES:
        raise ContractError(f"no resize rule of maps is called {rule!r}")
    if values.shape[:2] == (height, width):
        return values
    top, bottom, down = _table(values.shape[0], height, rule)
    left, right, across = _table(values.shape[1], width, rule)
    low, high = values[top], values[bottom]
    _blend(low, high, down[:, None, None])
    out, other = low[:, left], low[:, right]
    _blend(out, other, across[:, None])
    return out


def nearest(size_in: int, size_out: int) -> NDArray[np.intp]:
    """Return, for each of *size_out* samples, the nearest of *size_in*: the one its centre is in."""
    return (2 * np.arange(size_out, dtype=np.intp) + 1) * size_in // (2 * size_out)


class _Strip:
    """Buffers for a few rows at a time: they stay in the cache, where whole images do not."""

    def __init__(self, wide: int, narrow: int) -> None:
        self._pixels = np.empty((STRIP, wide), np.uint8)
        self._low, self._high = np.empty((STRIP, wide), np.float32), np.empty((STRIP, wide), np.float32)
        self._right = np.empty((STRIP, narrow), np.float32)

    def resize(self, rows: NDArray[np.uint8], down: Table, across: Table, out: Floats) -> None:
        """Write the samples of *rows*, uint8 (h, w * c), at *down* and *across* to *out*."""
        count = len(out)
        pixels, right = self._pixels[:count], self._right[:count]
        low, high = self._low[:count], self._high[:count]
        # mode "clip" takes straight into `out`, which "raise" buffers; the indices are in range as they are
        low[...] = rows.take(down[0], 0, out=pixels, mode="clip")
        high[...] = rows.take(down[1], 0, out=pixels, mode="clip")
        _blend(low, high, down[2][:, None])
        low.take(across[0], 1, out=out, mode="clip")
        low.take(across[1], 1, out=right, mode="clip")
        _blend(out, right, across[2])


def _blend(low: Floats, high: Floats, weight: Floats) -> None:
    """Make *low* into low + (high - low) * weight, and *high* into something else."""
    high -= low
    high *= weight
    low += high


@functools.lru_cache(maxsize=256)
def _columns(width_in: int, width_out: int, channels: int, rule: str) -> Table:
    """Return `_table` for a row of interleaved channels, one entry for each value of the row."""
    low, high, weight = _table(width_in, width_out, rule)
    channel = np.tile(np.arange(channels), width_out)
    return (
        low.repeat(channels) * channels + channel,
        high.repeat(channels) * channels + channel,
        weight.repeat(channels),
    )


@functools.lru_cache(maxsize=256)
def _table(size_in: int, size_out: int, rule: str) -> Table:
    """Return, for each of *size_out* samples, its two neighbours and the weight of the second."""
    scale = np.float32(size_in) / np.float32(size_out)
    if rule == "align_corners_bilinear":
        scale = np.float32(size_in - 1) / np.float32(max(size_out - 1, 1))
    at = np.arange(size_out, dtype=np.float32)
    where = (at + np.float32(0.5)) * scale - np.float32(0.5) if rule == "half_pixel_bilinear" else at * scale
    floor = np.floor(where)
    low = np.clip(floor, 0, size_in - 1).astype(np.intp)
    high = np.clip(floor + 1, 0, size_in - 1).astype(np.intp)
    return low, high, (where - floor).astype(np.float32)
