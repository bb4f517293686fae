"""The sha256 of a file."""

from __future__ import annotations

from pathlib import Path

BLOCK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the sha256 of the file at *path*, in hex."""
    import hashlib  # here: the import takes as long as one image, and a board's program hashes in another process

    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()
