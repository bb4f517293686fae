"""The files of a store: one for each writing process, so that a write that fails spoils no other record."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError
from detlite.runtime.records import Record
from detlite.studies.store.entry import ResultRecord, record_in, to_line

FOLDER, SUFFIX = "records", ".jsonl"


@dataclass(frozen=True)
class SegmentLine:
    """One complete line of a segment, and its place: the segment's name, and the offset of the line in bytes."""

    segment: str
    offset: int
    data: bytes

    def record(self) -> Record:
        """Return the record as plain data; `InputError` names the segment and the byte where it is damaged."""
        try:
            return record_in(self.data)
        except (InputError, ValueError) as error:
            raise InputError(f"{self.segment}, byte {self.offset}: {error}") from error

    def entry(self) -> ResultRecord:
        """Return the record; `InputError` names the segment and the byte where it is damaged."""
        record = self.record()
        try:
            return ResultRecord.from_record(record)
        except InputError as error:
            raise InputError(f"{self.segment}, byte {self.offset}: {error}") from error


@functools.cache
def writer_of(folder: Path) -> SegmentWriter:
    """Return what appends to the segments in *folder*: one for each process."""
    return SegmentWriter(folder)


class SegmentWriter:
    """Appends records to a segment of this process; after a failed write, to a new one. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        """Write to *folder*; the file is made with the first record."""
        self._folder = folder
        self._file: int | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def append(self, entry: ResultRecord) -> None:
        """Write *entry* as one line, which is on the disk when this returns.

        Raises:
            OSError: the disk is full, or the folder cannot be written to. The record is not in the store then.
        """
        line = to_line(entry)
        with self._lock:
            if self._file is None or self._pid != os.getpid() or not os.fstat(self._file).st_nlink:
                # a fork has its parent's file, and a file that someone deleted keeps nothing
                self._file, self._pid = self._new(), os.getpid()
            try:
                if os.write(self._file, line) != len(line):
                    raise OSError(28, os.strerror(28), str(self._folder))
                os.fsync(self._file)
            except OSError:
                self._close()
                raise

    def _new(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        host = re.sub(r"[^\w.-]", "_", socket.gethostname())
        name = f"{host}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        return os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = None


def segment_sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each segment in *folder*, by name, sorted."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        return dict(sorted((one.name, one.stat().st_size) for one in found if one.name.endswith(SUFFIX)))
    return {}


def lines_from(folder: Path, segment: str, offset: int = 0) -> Iterator[SegmentLine]:
    """Yield the complete lines of *segment* from byte *offset* on; a last line without its line feed is left out."""
    with (folder / segment).open("rb") as file:
        file.seek(offset)
        for data in file:
            if data.endswith(b"\n"):
                yield SegmentLine(segment, offset, data)
            offset += len(data)


def line_at(folder: Path, segment: str, offset: int) -> SegmentLine:
    """Return the line of *segment* that begins at byte *offset*."""
    with (folder / segment).open("rb") as file:
        file.seek(offset)
        return SegmentLine(segment, offset, file.readline())
