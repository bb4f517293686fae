"""Larger data of a store: files named by their sha256, published whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from detlite.runtime.errors import InputError
from detlite.runtime.hashing import sha256_of

FOLDER, SCRATCH = "blobs", "scratch"


def blob_path(root: Path, sha256: str) -> Path:
    """Return where the blob *sha256* of the store at *root* is."""
    return root / FOLDER / sha256[:2] / sha256


def put_blob(root: Path, data: bytes) -> str:
    """Keep *data* in the store at *root* and return its sha256; the same data is kept once."""
    sha256 = hashlib.sha256(data).hexdigest()
    place = blob_path(root, sha256)
    if place.exists():
        return sha256
    (root / SCRATCH).mkdir(parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=root / SCRATCH)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first, with the same bytes
            os.link(partial, place)
    finally:
        Path(partial).unlink(missing_ok=True)
    return sha256


def get_blob(root: Path, sha256: str) -> bytes:
    """Return the blob *sha256* of the store at *root*.

    Raises:
        InputError: it is missing or damaged.
    """
    place = blob_path(root, sha256)
    try:
        data = place.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"the blob {place} is missing: the next sweep makes it again") from error
    except OSError as error:
        raise InputError(f"the blob {place} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(
            f"the blob {place} is damaged: its sha256 differs from its name; delete it: the next sweep makes it again"
        )
    return data


def blobs_in(root: Path) -> Iterator[Path]:
    """Yield the blobs of the store at *root*, sorted."""
    yield from sorted((root / FOLDER).glob("??/*"))


def missing_blobs(root: Path, digests: Iterable[str]) -> tuple[str, ...]:
    """Return the *digests* whose blob the store at *root* lacks."""
    return tuple(sha256 for sha256 in digests if not blob_path(root, sha256).is_file())


def is_damaged(path: Path) -> bool:
    """Return whether the blob at *path* has another sha256 than its name says."""
    return sha256_of(path) != path.name
