"""A tar of images, gzipped or not: read once from front to back, and never unpacked."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from detlite.accuracy.dataset import MOST_IMAGE_BYTES, Dataset, Item, one_error, only_file
from detlite.convert.files.tar_stream import read_tar
from detlite.runtime.errors import InputError
from detlite.runtime.image.files import SUFFIXES

SELF_CONTAINED = tuple(suffix for suffix in SUFFIXES if suffix != ".rgb")  # whose size is in its name
RATIO = 32  # most bytes that one may unpack to: images hardly shrink
FEW_BYTES = 64 << 20  # up to which no ratio counts
WHAT = "truncated, damaged or no .tar or .tar.gz"
DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OSError)


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the members that are files named like images, in their order; others are skipped."""
    (path,) = only_file(paths)
    found = False
    with one_error(DAMAGED, f"{path} is {WHAT}"):
        for info, data in read_tar(path, most_bytes=max(FEW_BYTES, RATIO * path.stat().st_size)):
            suffix = PurePosixPath(info.name).suffix.lower()
            if data is None or info.issparse() or suffix not in SELF_CONTAINED:
                continue
            found = True
            name = f"{info.name!r} in {path.name}"
            yield Item(name, content=partial(_content, data, info.size, name), suffix=suffix)
    if not found:
        raise InputError(f"{path} holds no image; give files that end in {', '.join(SELF_CONTAINED)}")


def _content(data: IO[bytes], size: int, name: str) -> bytes:
    if not 0 <= size <= MOST_IMAGE_BYTES:
        raise InputError(f"{name} has {size} bytes; an image has at most {MOST_IMAGE_BYTES}")
    with one_error(DAMAGED, f"{name}: the file is {WHAT}"):
        return data.read(size)


PLUGIN = Dataset(
    title="Tar of images, gzipped or not; it is not unpacked.",
    takes=("FILE",),
    items=items,
    files=only_file,
    upright=True,
)
