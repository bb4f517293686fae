"""The files that TFLite metadata appends to a model: a zip after the flatbuffer, usually with labels."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MAX_FILES = 64
MAX_BYTES = 1 << 24  # label lists and vocabularies are kilobytes
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date in a zip: the same files give the same bytes

ZIP_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
"""Errors of zipfile for a zip that is damaged, encrypted, or compressed in a way that Python does not support."""


def appended_files(data: bytes) -> dict[str, bytes]:
    """Return the files appended to the model *data* by name; empty if there are none.

    Raises:
        InputError: the zip is damaged, encrypted, or far too large.
    """
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            size = sum(entry.file_size for entry in entries)
            if len(entries) > MAX_FILES or size > MAX_BYTES:
                raise InputError(
                    f"{counted(len(entries), 'file')} of {size} bytes are appended to the model; want at most "
                    f"{MAX_FILES} of {MAX_BYTES} in all"
                )
            return {entry.filename: archive.read(entry) for entry in entries}
    except ZIP_DAMAGED as error:
        raise InputError(f"the files that are appended to the model are damaged: {error}") from error


def with_files(model: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return *model* with *files* appended uncompressed, as readers map them from the file."""
    if not files:
        return model
    whole = io.BytesIO(model)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return whole.getvalue()
