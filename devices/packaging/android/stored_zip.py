"""Zip files whose bytes depend on nothing but their content: no time, no owner, nothing compressed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from detlite.convert.tflite.appended import EPOCH

READABLE = 0o100644 << 16  # a plain file that all may read, as Unix has it in a zip
UNIX = 3


def stored_zip(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of *files*, by name and in their order, each stored as it is."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, READABLE
            archive.writestr(entry, content)
    return whole.getvalue()
