"""Images as numpy saves them: uint8 arrays (n, height, width, 3) or (height, width, 3), RGB, in one .npz file."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from detlite.accuracy.dataset import MOST_IMAGE_BYTES, MOST_IMAGES, Dataset, Item, one_error, only_file
from detlite.runtime.errors import InputError
from detlite.runtime.image.read import DAMAGED_ARRAY, HEADERS

COLOURS = 3
WHAT = "truncated, damaged or no .npz file"
RATIO = 1100  # deflate packs 1032 to 1 at most: a header that claims more lies
DAMAGED = (
    *DAMAGED_ARRAY,
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, lzma.LZMAError),
)


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the images of each array of three colours, in the file's order; others, as labels, are passed over."""
    (path,) = only_file(paths)
    found = False
    with one_error(DAMAGED, f"{path} is {WHAT}"), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                for item in _images(member, f"{info.filename!r} in {path.name}", path.stat().st_size):
                    found = True
                    yield item
    if not found:
        raise InputError(f"{path} holds no images: want uint8 arrays (n, height, width, 3) of RGB")


def _images(member: IO[bytes], name: str, packed_bytes: int) -> Iterator[Item]:
    """Yield the images of the array *member*, which says how many bytes it has; none where it holds no images."""
    shape, is_fortran, dtype = _header(member)
    if len(shape) not in (3, 4) or shape[-1] != COLOURS:
        return
    count, image = (shape[0], shape[1:]) if len(shape) == 4 else (1, shape)
    if dtype != np.uint8 or is_fortran:
        order = "Fortran's order" if is_fortran else "C's order"
        raise InputError(f"{name} is {dtype} {shape} in {order}; want uint8 in 0..255, in C's order")
    size = prod(image)
    if not 0 < size <= MOST_IMAGE_BYTES or not 0 <= count <= MOST_IMAGES or count * size > RATIO * packed_bytes:
        raise InputError(f"{name} says that it is {shape}: too large for the file that it is in, or empty")
    begin = member.tell()
    for number in range(count):
        place = f"image {number} of {name}"
        yield Item(place, content=partial(_image, member, begin + number * size, image, place), suffix=".npy")


def _image(member: IO[bytes], offset: int, shape: tuple[int, ...], place: str) -> bytes:
    """Return the image at *offset* of *member* as a .npy file."""
    file = io.BytesIO()
    with one_error(DAMAGED, f"{place}: the file is {WHAT}"):
        member.seek(offset)
        np.save(file, np.frombuffer(member.read(prod(shape)), np.uint8).reshape(shape))
    return file.getvalue()


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    with HEADERS:
        if np.lib.format.read_magic(member) == (1, 0):
            return np.lib.format.read_array_header_1_0(member)
        return np.lib.format.read_array_header_2_0(member)


PLUGIN = Dataset(
    title="Images as uint8 arrays in an .npz file of numpy.", takes=("FILE",), items=items, files=only_file
)
