"""Zip files whose bytes depend only on their content: no times, no owners, no compression."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from detlite.convert.tflite.appended import EPOCH

READABLE = 0o100644 << 16  # a regular file readable by all, in a zip's Unix attributes
UNIX = 3


def stored_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of *files* by name, in order, each stored uncompressed."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, READABLE
            archive.writestr(entry, content)
    return whole.getvalue()
