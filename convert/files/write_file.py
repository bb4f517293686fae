"""Write one file atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from detlite.runtime.errors import InputError


def write_file(path: Path, content: bytes) -> None:
    """Write *content* to *path* through a temporary file in the same folder, flushed and then renamed.

    Raises:
        InputError: *path* is a folder, or its folder is missing or not writable.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; want a file name")
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.absolute().parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
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


def prepare_new_file(path: Path) -> None:
    """Check that the new file *path* can be written, before any work.

    Raises:
        InputError: it exists already, or its folder is missing or not writable.
    """
    if path.exists():
        raise InputError(f"{path} exists already: remove it, or choose another file")
    check_writable(path)


def check_writable(path: Path) -> None:
    """Check that `write_file` can write *path*, without leaving a trace.

    Raises:
        InputError: it is a folder, or its folder is missing or not writable.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; want a file name")
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
