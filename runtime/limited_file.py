"""Reading a small file that a user gives: as much as it may have, and no more."""

from __future__ import annotations

from pathlib import Path

from detlite.runtime.errors import InputError


def read_limited(path: Path, what: str, most_bytes: int) -> bytes:
    """Return the bytes of the file at *path*.

    Args:
        path: a file; a pipe or a device is read up to the limit.
        what: what it should be, with its article: `a job`, `a list of classes`.
        most_bytes: the most that such a file has.

    Raises:
        InputError: it cannot be read, or has more bytes.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size  # 0 of a pipe or a device, whose end is not known
            data = file.read((size or most_bytes) + 1) if size <= most_bytes else None
    except OSError as error:
        raise InputError(f"{path} cannot be read as {what}: {error.strerror}") from error
    if data is None or len(data) > most_bytes:
        raise InputError(f"{path} has over {most_bytes} bytes: it is not {what}")
    return data
