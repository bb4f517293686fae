"""Read a tar, gzipped or not, once from front to back, counting every byte that it unpacks to."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO

from detlite.runtime.errors import InputError

BLOCK_BYTES = 512  # of a tar
SKIP_BYTES = 1 << 18
HEADER_BYTES = 1 << 20  # for one member: tarfile reads long names and PAX headers into memory


class _Counted(RawIOBase):
    """A forward-only view of a decompressor that stops at *most_bytes*."""

    def __init__(self, source: gzip.GzipFile | BufferedReader, most_bytes: int) -> None:
        self.source = source
        self.most_bytes = most_bytes
        self.position = 0
        self.header_left: int | None = HEADER_BYTES
        self.last_header = b""

    def read(self, size: int = -1) -> bytes:
        if self.header_left is not None:
            if not 0 <= size <= self.header_left:
                raise InputError(f"a member's header has more than {HEADER_BYTES} bytes")
            self.header_left -= size
        block = self.source.read(size)
        self._count(len(block))
        if self.header_left is not None:
            self.last_header = block
        return block

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence != 0 or offset < self.position:
            raise tarfile.ReadError("the members are not in order")
        while self.position < offset:
            block = self.source.read(min(SKIP_BYTES, offset - self.position))
            if not block:
                raise EOFError("it is cut short in the middle of a member")
            self._count(len(block))
        return self.position

    def drain(self) -> None:
        """Read to the end, where gzip stores its checksum."""
        while block := self.source.read(SKIP_BYTES):
            self._count(len(block))

    def _count(self, size: int) -> None:
        self.position += size
        if self.position > self.most_bytes:
            raise InputError(f"it unpacks to more than {self.most_bytes} bytes: it looks like a decompression bomb")


def read_tar(path: Path, *, most_bytes: int) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield each member of the tar at *path* and, for a file, its data, which must be read before the next member.

    Raises:
        InputError: it unpacks to more than *most_bytes*, or a header is longer than `HEADER_BYTES`.
        tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile: it is truncated, corrupt or not a tar.
    """
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        counted = _Counted(gzip.GzipFile(fileobj=file) if zipped else file, most_bytes)
        with tarfile.open(fileobj=counted, mode="r:") as tar:
            while (info := tar.next()) is not None:
                data = tar.extractfile(info) if info.isreg() else None
                counted.header_left = None
                yield info, data
                counted.header_left = HEADER_BYTES
        # a complete tar ends with a block of zeros; tarfile also stops at a damaged header and at the end of the file
        if counted.last_header != bytes(BLOCK_BYTES):
            raise EOFError("it is cut short")
        counted.drain()
