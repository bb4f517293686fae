"""Writing one file: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from detlite.runtime.errors import InputError


def write_file(path: Path, content: bytes) -> None:
    """Write *content* to *path* by way of a temporary file beside it, which is flushed and renamed.

    Raises:
        InputError: the folder is not there, or cannot be written to, or *path* is a folder.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file to write")
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another place") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
