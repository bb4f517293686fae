"""Images as uint8 RGB arrays: decoded with Pillow on a host, raw on a board without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.errors import InputError, MissingToolError

Pixels = NDArray[np.uint8]

MAX_PIXELS = 178_956_970
"""As Pillow refuses more: 500 MB of pixels, many times any camera's."""


def read_image(path: Path) -> Pixels:
    """Return the image in the file at *path*: uint8 (height, width, 3), RGB.

    `.npy` files are read without Pillow. Pixels stay as they are stored: an EXIF orientation is not applied, as in
    COCO's evaluation, whose annotations are for the stored pixels.

    Raises:
        InputError: it is no image, is cut short, or is absurdly large.
        MissingToolError: it wants Pillow, which is not installed.
    """
    return _read_array(path) if path.suffix.lower() == ".npy" else _decode(path)


def _read_array(path: Path) -> Pixels:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"{path} is no .npy image: {error}") from error
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not 0 < array.size <= 3 * MAX_PIXELS:
        raise InputError(f"{path} holds {array.dtype} {array.shape}; want uint8 (height, width, 3), RGB")
    return np.array(array)


def _decode(path: Path) -> Pixels:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"{path} wants Pillow, which is not installed: give .npy images, or install it"
        ) from error
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{path} has {image.width} x {image.height} pixels: want at most {MAX_PIXELS}")
            if image.mode.startswith("I;16") or image.mode in ("I", "F"):
                raise InputError(f"{path} has {image.mode} pixels of more than 8 bits: convert it to 8-bit RGB")
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} is no image, or is damaged: {' '.join(str(error).split())}") from error
