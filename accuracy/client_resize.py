"""How Android's clients resize an image on the CPU: their arithmetic, number by number.

With it the accuracy that a model has in an app is measured without the client. That these are the client's own numbers
is shown by tests/interop: the same scores from the client and from detlite, to the fourth decimal, on x86-64.
A phone's libraries are built of the same sources, with other instructions, and may round otherwise in the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import unknown_name

MEDIAPIPE, TASK_LIBRARY = "mediapipe", "task-library"
CLIENT_RESIZES = {
    MEDIAPIPE: "as MediaPipe does: bilinear, sampled at i * in / out to a 32nd of a pixel, in whole numbers",
    TASK_LIBRARY: (
        "as the Task Library does: libyuv's bilinear, sampled at (i + 0.5) * in / out - 0.5, in whole numbers, "
        "up to 2 of 255 darker"
    ),
}
"""The clients whose resizing is known, and what it is in words."""

WARP_STEPS = 32  # of a pixel: OpenCV's INTER_TAB_SIZE
HALF, ONE = 1 << 15, 1 << 16  # libyuv's positions are fixed-point numbers with 16 fractional bits
DOWN_PARTS, ACROSS_PARTS = 256, 128  # of libyuv's weights between two rows, and between two columns

Integers = NDArray[np.int32]
Places = NDArray[np.int64]


def client_resize(image: Pixels, height: int, width: int, client: str) -> Pixels:
    """Return *image*, uint8 (h, w, 3), as uint8 (height, width, 3), resized as *client* does on the CPU.

    Raises:
        UnknownNameError: how *client* resizes is not known.
    """
    if client not in CLIENT_RESIZES:
        raise unknown_name("client's resizing", client, CLIENT_RESIZES)
    resized = _warped if client == MEDIAPIPE else _scaled
    return image if image.shape[:2] == (height, width) else resized(image, height, width)


def _warped(image: Pixels, height: int, width: int) -> Pixels:
    """As OpenCV's `warpPerspective` with INTER_LINEAR and BORDER_REPLICATE, which MediaPipe calls."""
    top, bottom, down = _warp_table(image.shape[0], height)
    left, right, across = _warp_table(image.shape[1], width)
    top, bottom, down, across = top[:, None], bottom[:, None], down[:, None, None], across[:, None]
    upper = image[top, left] * (WARP_STEPS - across) + image[top, right] * across
    lower = image[bottom, left] * (WARP_STEPS - across) + image[bottom, right] * across
    parts = WARP_STEPS * WARP_STEPS
    return ((upper * (WARP_STEPS - down) + lower * down + parts // 2) // parts).astype(np.uint8)


def _warp_table(size_in: int, size_out: int) -> tuple[Integers, Integers, Integers]:
    where = np.rint(np.arange(size_out) * (size_in / size_out) * WARP_STEPS).astype(np.int32)
    low = where // WARP_STEPS
    return low, np.minimum(low + 1, size_in - 1), where % WARP_STEPS


def _scaled(image: Pixels, height: int, width: int) -> Pixels:
    """As libyuv's `ARGBScale` with kFilterBilinear, which the Task Library calls."""
    down, across = image.shape[0] / height, image.shape[1] / width
    if down % 2 == across % 2 == 0:
        return _box_scaled(image, int(down), int(across))
    if down % 2 == across % 2 == 1:  # whole odd factors: the pixel in the middle
        return image[int(down) // 2 :: int(down), int(across) // 2 :: int(across)]
    if height > image.shape[0]:
        return _rows(_columns(image, width), height)
    return _columns(_rows(image, height), width)


def _box_scaled(image: Pixels, down: int, across: int) -> Pixels:
    """Return the mean of the four pixels in the middle, of two rows first: each mean rounded up, as x86 does."""
    top, left = down // 2 - 1, across // 2 - 1
    pairs = [_mean(image[top::down, left + i :: across], image[top + 1 :: down, left + i :: across]) for i in (0, 1)]
    return _mean(*pairs)


def _mean(one: Pixels, other: Pixels) -> Pixels:
    mean: Pixels = one // 2 + other // 2 + ((one | other) & 1)
    return mean


def _rows(image: Pixels, height: int) -> Pixels:
    where = np.minimum(_places(image.shape[0], height), (image.shape[0] - 1) * ONE)
    low = where // ONE
    high = np.minimum(low + 1, image.shape[0] - 1)
    part = (where % ONE * DOWN_PARTS // ONE).astype(np.int32)[:, None, None]
    total: Integers = image[low] * (DOWN_PARTS - part) + image[high] * part + DOWN_PARTS // 2
    return (total // DOWN_PARTS).astype(np.uint8)


def _columns(image: Pixels, width: int) -> Pixels:
    if image.shape[1] == width:
        return image
    where = _places(image.shape[1], width)
    low = where // ONE
    high = np.minimum(low + 1, image.shape[1] - 1)
    part = (where % ONE * ACROSS_PARTS // ONE).astype(np.int32)[:, None]
    # the two weights add up to 127 of 128, and the rest is cut off: what makes the image darker
    total: Integers = image[:, low] * (ACROSS_PARTS - 1 - part) + image[:, high] * part
    return (total // ACROSS_PARTS).astype(np.uint8)


def _places(size_in: int, size_out: int) -> Places:
    """Return where libyuv samples, in 65536ths of a pixel: from the middle of pixels, upwards from their corners."""
    if size_out <= size_in:
        step = size_in * ONE // size_out
        return step // 2 - HALF + step * np.arange(size_out, dtype=np.int64)
    return (size_in * ONE - ONE - 1) // (size_out - 1) * np.arange(size_out, dtype=np.int64)
