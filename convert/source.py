"""What was given, recognized once: its format, where it is, and its sha256."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.artifact import HISTORY, MODEL, sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugins

ARTIFACT, TFLITE, ARCHIVE = "artifact", "tflite", "archive"
TFLITE_MAGIC, TFLITE_MAGIC_AT = b"TFL3", 4
WANTED = "a zoo archive (.tar.gz), a frozen graph (.pb), a SavedModel, a TensorFlow.js model.json, or a .tflite"


@dataclass(frozen=True)
class Source:
    """A detector as it was given.

    Attributes:
        path: the file or folder that is read; within a folder or an archive, the part that was chosen.
        format: `artifact`, `tflite`, or a reader's name: its file in `convert/readers/`.
        title: what the format is called.
        sha256: of the file; of several files, the digest of their names and digests.
        given: the path as it was given.
    """

    path: Path
    format: str
    title: str
    sha256: str
    given: Path


def recognize(path: Path) -> Source:
    """Return what is at *path*.

    Raises:
        InputError: nothing is there, or nothing that detlite reads; an archive must be unpacked first.
    """
    if not path.exists():
        raise InputError(f"{path} is not there; want {WANTED}, or a name that `detlite zoo list` shows")
    if path.is_dir() and (path / MODEL).is_file() and (path / HISTORY).is_file():
        return Source(path, ARTIFACT, "detlite artifact", sha256_of(path / MODEL), path)
    if path.is_file():
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; want {WANTED}")
        if is_tflite(path):
            return Source(path, TFLITE, "TFLite model", sha256_of(path), path)
        if path.suffix == ".tflite":
            raise InputError(f"{path} is called .tflite and does not begin as one: it is damaged or something else")
        if is_archive(path):
            return Source(path, ARCHIVE, "archive", sha256_of(path), path)
    return _by_reader(path)


def _by_reader(path: Path) -> Source:
    for name, reader in load_plugins("detlite.convert.readers").items():
        found = reader.recognizes(path)
        if found is not None:
            return Source(found, name, reader.title, digest_of(reader.files(found)), path)
    inner = sorted(item for item in path.iterdir() if item.is_dir()) if path.is_dir() else []
    if len(inner) == 1:
        return _by_reader(inner[0])
    kind = "a folder without a model that detlite reads" if path.is_dir() else "of no format that detlite reads"
    raise InputError(f"{path} is {kind}; want {WANTED}")


def is_tflite(path: Path) -> bool:
    """Return whether the file at *path* says that it is a TFLite flatbuffer."""
    with path.open("rb") as file:
        return file.read(TFLITE_MAGIC_AT + len(TFLITE_MAGIC))[TFLITE_MAGIC_AT:] == TFLITE_MAGIC


def is_archive(path: Path) -> bool:
    """Return whether the file at *path* is a tar archive, by its name or its content."""
    if path.name.endswith((".tar.gz", ".tgz", ".tar")):
        return True
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError):
        return False


def digest_of(files: Sequence[Path]) -> str:
    """Return the sha256 of the one file, or over the names and digests of several."""
    if len(files) == 1:
        return sha256_of(files[0])
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{sha256_of(file)}  {file.name}\n".encode())
    return whole.hexdigest()
