"""Thumbnails, small enough to keep, compare and cache by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.images import Images
from detlite.calibration.images.image_cache import ImageCache, digests, key_of
from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress, silent
from detlite.runtime.stream import WORKERS, ahead

SIDE = 32
"""Pixels per side: enough to distinguish photographs, in 3 kB each."""

LEAST = 4 * SIDE  # pixels of each decoded side: a JPEG is decoded at down to an eighth of its size

BLANK = 2.0
"""Contrast, of 255, below which an image is blank: noise averages to less, fog has over 5."""

Thumbnails = NDArray[np.uint8]
"""uint8 (n, 32, 32, 3), RGB."""


def thumbnail(path: Path, *, upright: bool = True) -> Pixels:
    """Return the image at *path*, *upright* or as stored, averaged to 32 x 32 pixels: uint8, RGB.

    Raises:
        InputError: as `read_image`.
    """
    pixels = read_image(path, upright=upright, least=LEAST)
    begins, counts = _parts(pixels.shape[0])
    rows = np.stack([_mean_row(pixels[begin : begin + count]) for begin, count in zip(begins, counts, strict=True)])
    begins, counts = _parts(pixels.shape[1])
    means = np.add.reduceat(rows, begins, axis=1) / counts[:, None]
    return np.rint(means).astype(np.uint8)


def _parts(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each of `SIDE` equal parts of *size* pixels begins, and its pixels; a shorter side repeats some."""
    begins = np.arange(SIDE) * size // SIDE
    return begins, np.diff(begins, append=size).clip(1)


def _mean_row(rows: Pixels) -> NDArray[np.float64]:
    """Return the mean of *rows*, uint8 (n, width, 3): float64 (width, 3)."""
    sums = np.zeros(rows.shape[1:], np.uint32)
    for row in rows:  # without a copy of them all as larger numbers
        sums += row
    return sums / np.float64(len(rows))


def contrast(images: Thumbnails) -> NDArray[np.float64]:
    """Return the contrast of each of *images*: the largest standard deviation of a colour's pixels."""
    found: NDArray[np.float64] = images.std(axis=(1, 2), dtype=np.float64).max(axis=1)
    return found


def thumbnails(
    paths: Sequence[Path], *, upright: bool = True, progress: Progress = silent
) -> list[Pixels | InputError]:
    """Return the thumbnail of each of *paths*, *upright* or as stored, or why there is none, in order."""
    found: list[Pixels | InputError] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for number, one in enumerate(ahead(pool, partial(_attempt, upright=upright), paths), 1):
            found.append(one)
            progress("images looked at", number, len(paths))
    return found


def _attempt(path: Path, upright: bool) -> Pixels | InputError:
    try:
        return thumbnail(path, upright=upright)
    except InputError as error:
        return error


def cached_thumbnails(images: Images, cache: ImageCache, *, progress: Progress = silent) -> Thumbnails:
    """Return the thumbnails of *images* from *cache*, adding missing ones.

    Raises:
        InputError: an image cannot be read.
    """
    paths = images.paths
    key = key_of("thumbnails", SIDE, images.upright, digests(paths))
    size = (len(paths), SIDE, SIDE, 3)
    made = cache.made(key, ".rgb")
    if made is None or len(made) != prod(size):
        looks = thumbnails(paths, upright=images.upright, progress=progress)
        wrong = next((look for look in looks if isinstance(look, InputError)), None)
        if wrong is not None:
            raise wrong
        made = np.stack([look for look in looks if not isinstance(look, InputError)]).tobytes()
        cache.store(key, ".rgb", made)
    return np.frombuffer(made, np.uint8).reshape(size)
