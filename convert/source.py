"""A given source, recognized once: its format, its place, and its sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.convert.files.archive import is_archive
from detlite.convert.rebuild.checkpoint_source import CheckpointSource, find_checkpoint, is_params, needs_checkpoint
from detlite.convert.rebuild.weights.torch_file import is_torch_file
from detlite.runtime.artifact import HISTORY, sha256_of
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_tflite, model_in
from detlite.runtime.plugins import load_plugins

ARTIFACT, TFLITE, ARCHIVE, CHECKPOINT, TORCH = "artifact", "tflite", "archive", "checkpoint", "torch"
WANTED = (
    "a zoo archive (.tar.gz, .zip), a frozen graph (.pb), a SavedModel, a TensorFlow.js model.json, an .onnx, a "
    "folder with pipeline.config or params.yaml and a checkpoint, a .pytorch or .pth of MLPerf's detectors, or a "
    ".tflite"
)


@dataclass(frozen=True)
class Source:
    """A given detector.

    Attributes:
        path: the file or folder to read; within a folder or an archive, the chosen part.
        format: `artifact`, `tflite`, `checkpoint`, `torch`, or a reader's name: its file in `convert/readers/`.
        title: the format's name.
        sha256: of the file; for several files, of their names and digests.
        given: the path as it was given.
        trained: for a `checkpoint`, its config and files; else None.
    """

    path: Path
    format: str
    title: str
    sha256: str
    given: Path
    trained: CheckpointSource | None = None

    @property
    def kind(self) -> str:
        """The title with its article, as messages have it: `an ONNX model`."""
        return f"{'an' if self.title[0] in 'AEIOU' else 'a'} {self.title}"


def source_of_checkpoint(trained: CheckpointSource, given: Path) -> Source:
    """Return the source for a config and its checkpoint; *given* is used in messages."""
    config = "params.yaml" if is_params(trained.config) else "pipeline.config"
    weights = "the constants of a frozen graph" if trained.checkpoint.suffix == ".pb" else "a TensorFlow checkpoint"
    title = f"{config} with {weights}"
    return Source(trained.checkpoint, CHECKPOINT, title, digest_of(trained.files), given, trained)


def recognize(path: Path, *, rebuild: bool = False) -> Source:
    """Return the source at *path*; if a folder has both, the exported graph, or with *rebuild* the checkpoint.

    Raises:
        InputError: nothing is there, or detlite cannot read it; an archive must be unpacked first.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; give {WANTED}, or a name that `detlite zoo list` shows")
    if rebuild:
        return _checkpoint_in(path)
    if path.is_dir() and (path / HISTORY).is_file() and (model := model_in(path)) is not None:
        return Source(path, ARTIFACT, "detlite artifact", sha256_of(model), path)
    if path.is_file():
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty; give {WANTED}")
        if is_tflite(path):
            return Source(path, TFLITE, "TFLite model", sha256_of(path), path)
        if path.suffix == ".tflite":
            raise InputError(f"{path} is named .tflite but does not start like one: it is damaged or another format")
        if is_torch_file(path):
            return _torch(path, path)
        if is_archive(path):
            return Source(path, ARCHIVE, "archive", sha256_of(path), path)
    return _by_reader(path)


def _by_reader(path: Path) -> Source:
    if path.is_dir() and needs_checkpoint(path) and (trained := find_checkpoint(path)) is not None:
        return source_of_checkpoint(trained, path)
    for name, reader in load_plugins("detlite.convert.readers").items():
        found = reader.recognizes(path)
        if found is not None:
            return Source(found, name, reader.title, digest_of(reader.files(found)), path)
    trained = find_checkpoint(path) if path.is_dir() else None
    if trained is not None:
        return source_of_checkpoint(trained, path)
    weights = _torch_files_in(path)
    if len(weights) == 1:
        return _torch(weights[0], path)
    inner = _only_folder_in(path)
    if inner is not None:
        return _by_reader(inner)
    kind = "a folder without a model that detlite reads" if path.is_dir() else "of no format that detlite reads"
    raise InputError(f"{path} is {kind}; give {WANTED}")


def _torch(path: Path, given: Path) -> Source:
    return Source(path, TORCH, "PyTorch file", sha256_of(path), given)


def _torch_files_in(path: Path) -> list[Path]:
    return [file for file in path.iterdir() if file.is_file() and is_torch_file(file)] if path.is_dir() else []


def _checkpoint_in(path: Path) -> Source:
    trained = find_checkpoint(path) if path.is_dir() else None
    if trained is not None:
        return source_of_checkpoint(trained, path)
    inner = _only_folder_in(path)
    if inner is not None:
        return _checkpoint_in(inner)
    raise InputError(
        f"{path} has no pipeline.config or params.yaml with a checkpoint (.index) beside it or in checkpoint/"
    )


def _only_folder_in(path: Path) -> Path | None:
    inner = sorted(item for item in path.iterdir() if item.is_dir()) if path.is_dir() else []
    return inner[0] if len(inner) == 1 else None


def digest_of(files: Sequence[Path]) -> str:
    """Return the sha256 of a single file, or of the names and digests of several."""
    if len(files) == 1:
        return sha256_of(files[0])
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{sha256_of(file)}  {file.name}\n".encode())
    return whole.hexdigest()
