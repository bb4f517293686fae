"""The sha256 of a file, reckoned beside other work: while a program imports what it needs, say."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Optional

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the sha256 of the file at *path*, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


class Hashing:
    """The sha256 of one file, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Begin with the file at *path*."""
        self._path, self._digest = path, ""
        self._error: Optional[OSError] = None
        self._thread = threading.Thread(target=self._hash, daemon=True)
        self._thread.start()

    def _hash(self) -> None:
        try:
            self._digest = sha256_of(self._path)
        except OSError as error:
            self._error = error

    def of(self, path: Path) -> str:
        """Return the sha256 of the file at *path*, which is what was begun with, or is reckoned now."""
        if path != self._path:
            return sha256_of(path)
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._digest
