"""Images as uint8 RGB arrays: decoded with Pillow on a host, raw on a board without it."""

from __future__ import annotations

import re
import struct
import threading
from contextlib import nullcontext
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, Literal, Optional, Tuple

import numpy as np

from detlite.runtime.arrays import Pixels
from detlite.runtime.errors import InputError, MissingToolError

MAX_PIXELS = 178_956_970
"""As Pillow refuses more: 500 MB of pixels."""

MAX_SIDE = 65_535
"""A JPEG's longest side, in pixels."""

STRIP_PIXELS = 1 << 24
"""Pixels that are converted at once; larger images are converted in strips of rows."""

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

LARGE_PIXELS, ONE_LARGE = 1 << 26, threading.Lock()
"""Of images with more pixels one is decoded at a time: Pillow takes 4 bytes a pixel."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")
"""What is decoded. Pillow reads many more, some with little care (EPS starts another program)."""

DAMAGED = (OSError, SyntaxError, ValueError, RuntimeError, MemoryError)
"""What Pillow's decoders of these formats raise at damaged files: found by damaging files of each."""

ORIENTATION = 0x0112
"""The EXIF tag with the orientation, 1 to 8; 1 is upright."""

TURNED_BACK = {6: 8, 8: 6}
"""The orientation that undoes another; each of the others undoes itself."""

DAMAGED_EXIF = (*DAMAGED, struct.error, LookupError, TypeError, ArithmeticError, AttributeError)
"""What Pillow raises at damaged EXIF: found by damaging it. The image is then taken as stored, as viewers do."""

DAMAGED_ARRAY = (*(OSError, ValueError, SyntaxError, OverflowError, TypeError), RecursionError, MemoryError, TokenError)
"""What numpy raises at damaged .npy files: it parses their headers as Python."""

HEADERS = threading.Lock()
"""numpy parses a header as Python, whose parser counts its depth for all threads together (CPython issue 106905)."""


def read_image(path: Path, *, upright: bool = True, least: Optional[int] = None) -> Pixels:
    """Return the image in the file at *path*: uint8 (height, width, 3), RGB.

    It is *upright*, turned by its EXIF orientation as a viewer shows it; or else as stored, as the boxes of labelled
    sets (COCO, Pascal VOC, Open Images) are. With *least* pixels for the shorter side being enough, a JPEG may come
    smaller, decoded in less time.

    `.npy` files, and `.rgb` ones (the bytes of the pixels alone, named `*.<width>x<height>.rgb`), are read without
    Pillow. Of an animation the first frame counts; transparency is dropped.

    Raises:
        InputError: it is no image, is cut short, or is absurdly large.
        MissingToolError: it needs Pillow, which is not installed.
    """
    if path.is_fifo():  # opening it would wait for a writer
        raise InputError(f"{path} is a pipe: give the image as a file")
    readers = {".npy": _read_array, ".rgb": _read_raw}
    reader = readers.get(path.suffix.lower())
    return _decode(path, upright, least) if reader is None else reader(path)


def _read_array(path: Path) -> Pixels:
    try:
        with path.open("rb") as file:
            with HEADERS:
                shape, order = _array_header(file, path)
            pixels = np.fromfile(file, np.uint8, shape[0] * shape[1] * shape[2])
        return np.ascontiguousarray(pixels.reshape(shape, order=order))
    except DAMAGED_ARRAY as error:
        raise InputError(f"{path} is no .npy image: {' '.join(str(error).split())[:200]}") from error


def _array_header(file: BinaryIO, path: Path) -> Tuple[Tuple[int, int, int], Literal["C", "F"]]:
    """Return the shape and the order of the pixels; nothing is allocated for what a header only claims."""
    if np.lib.format.read_magic(file) == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    fits = len(shape) == 3 and min(shape) > 0 and shape[2] == 3 and shape[0] * shape[1] <= MAX_PIXELS
    if dtype != np.uint8 or not fits:
        raise InputError(f"{path} holds {dtype} {shape}; want uint8 (height, width, 3), RGB")
    return (shape[0], shape[1], shape[2]), "F" if is_fortran else "C"


def _read_raw(path: Path) -> Pixels:
    match = re.search(r"\.(\d{1,5})x(\d{1,5})$", path.stem)
    if match is None:
        raise InputError(f"{path} does not say its size: want a name such as photo.640x480.rgb (width x height)")
    width, height = int(match[1]), int(match[2])
    try:
        if path.stat().st_size != 3 * width * height or not width * height:
            raise InputError(f"{path} has {path.stat().st_size} bytes; {width} x {height} pixels of RGB have others")
        return np.fromfile(path, np.uint8).reshape(height, width, 3)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _decode(path: Path, upright: bool, least: Optional[int]) -> Pixels:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"{path} needs Pillow, which is not installed: give .npy images, or install it"
        ) from error
    try:
        with Image.open(path, formats=FORMATS) as image:
            _check_size(path, image.width, image.height)
            if image.mode.startswith("I;16") or image.mode in ("I", "F"):
                raise InputError(f"{path} has {image.mode} pixels of more than 8 bits: convert it to 8-bit RGB")
            if least is not None:
                image.draft(None, (least, least))
            if image.format == "TIFF":
                return _tiff_pixels(image, upright)
            pixels = _pixels(image)
            return _turned(pixels, _orientation(image)) if upright else pixels
    except (*DAMAGED, Image.DecompressionBombError) as error:
        if _is_heic(path):
            from detlite.runtime.image.files import FROM_HEIC  # here: a board's program starts without it

            raise InputError(f"{path} is a HEIC photograph, which is not read: {FROM_HEIC}") from error
        raise InputError(f"{path} is no image, or is damaged: {' '.join(str(error).split())}") from error


def _is_heic(path: Path) -> bool:
    """Return whether the file at *path*, whatever its name, begins as ISO/IEC 23008-12 says of HEVC images."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(
            f"{path} has {width} x {height} pixels: want at most {MAX_PIXELS:,} and sides of at most {MAX_SIDE:,}; "
            "make it smaller"
        )


def _pixels(image: Any) -> Pixels:
    """Return the pixels of the Pillow *image* as RGB, with bounded memory besides the image and the result."""
    if image.width * image.height <= STRIP_PIXELS:
        return np.asarray(image.convert("RGB"))
    with ONE_LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
        image.load()
        found = np.empty((image.height, image.width, 3), np.uint8)
        rows = max(1, STRIP_PIXELS // image.width)
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            found[top : top + rows] = np.asarray(strip.convert("RGB"))
        return found


def _tiff_pixels(image: Any, upright: bool) -> Pixels:
    """Return the pixels of the TIFF *image*, which Pillow turns upright as it decodes it."""
    image.filename = ""  # else Pillow 13.0 maps the file, with width and height exchanged if it is turned by 90 degrees
    before = _orientation(image)
    pixels = _pixels(image)
    after = _orientation(image)
    if upright:
        return _turned(pixels, after)
    return _turned(pixels, TURNED_BACK.get(before, before)) if before != after else pixels


def _orientation(image: Any) -> int:
    """Return the EXIF orientation of the decoded Pillow *image*; 1 without one, or if it is damaged."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except DAMAGED_EXIF:
        return 1
    return found if found in range(2, 9) else 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Return *pixels* turned upright: EXIF 2.32, section 4.6.4, Orientation."""
    if orientation == 1:
        return pixels
    rows = slice(None, None, -1 if orientation in (3, 4, 6, 7) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 7, 8) else 1)
    turned = pixels[rows, columns]
    return np.ascontiguousarray(turned.swapaxes(0, 1) if orientation >= 5 else turned)


def exif_orientation(path: Path) -> int:
    """Return the EXIF orientation of the image at *path*, 2 to 8; 1 if it is upright, has none, or cannot be read."""
    if path.suffix.lower() in (".npy", ".rgb"):
        return 1
    try:
        from PIL import Image

        with Image.open(path, formats=FORMATS) as image:
            return _orientation(image)
    except (*DAMAGED, ModuleNotFoundError, Image.DecompressionBombError):
        return 1
