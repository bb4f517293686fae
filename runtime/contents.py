"""The contents of a folder: they are checked before it is replaced, so that only detlite's own files are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator


def contents(folder: Path) -> Iterator[str]:
    """Yield the relative path of each file and link in *folder*, and of each empty folder, with a slash at its end.

    Raises:
        OSError: a folder in it cannot be read.
    """
    for place, folders, files in os.walk(folder, onerror=_raise):
        inside = Path(place).relative_to(folder)
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from ((inside / name).as_posix() for name in (*files, *links))
        if not files and not folders and inside != Path():
            yield f"{inside.as_posix()}/"


def _raise(error: OSError) -> None:
    raise error
