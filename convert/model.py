"""A finished model in memory: its file's bytes, its contract and its history."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from detlite.convert.artifact import history_json, write_folder
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.artifact import CONTRACT, HISTORY, LABELS, Artifact, Step
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.model_file import FORMATS, model_name
from detlite.runtime.session import Session

TFLITE = "tflite"
NO_FILES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Model:
    """A finished model.

    Attributes:
        data: the bytes of its file.
        format: one of `FORMATS`, `tflite` or `onnx`.
        contract: how to use it.
        history: what was done to it, first step first.
        files: further texts that are saved with it, by their names, such as `ranges.json`.
    """

    data: bytes
    format: str
    contract: Contract
    history: tuple[Step, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise unknown_name("model format", self.format, FORMATS)

    @cached_property
    def file(self) -> TfliteFile:
        """The open TFLite file, to read, or to copy before a change; it is parsed once, if at all."""
        require_tflite(self, "editing")
        return TfliteFile(self.data)

    @cached_property
    def sha256(self) -> str:
        """The sha256 of its file, in hex."""
        return digest(self.data)

    def after(self, *steps: Step) -> Model:
        """Return the model with *steps* added to its history; an open file stays open."""
        made = replace(self, history=(*self.history, *steps))
        if "file" in self.__dict__:
            made.__dict__["file"] = self.file
        return made

    def save(self, folder: str | Path, *, force: bool = False, files: Mapping[str, str] = NO_FILES) -> Artifact:
        """Write the model to *folder* as an artifact and return the artifact; its last step gets the file's sha256.

        The files are written to a folder beside *folder*, flushed to the disk, and renamed: *folder* is whole or
        absent.

        Args:
            folder: the folder to write.
            force: whether to replace an existing artifact.
            files: further texts to write, by their names, beside its own.

        Raises:
            InputError: as `prepare_output`.
        """
        folder, name = Path(folder), model_name(self.format)
        steps = (*self.history[:-1], {**self.history[-1], "output_sha256": self.sha256})
        texts = {
            CONTRACT: self.contract.to_json(),
            LABELS: "".join(f"{label}\n" for label in self.contract.labels),
            HISTORY: history_json(steps),
            **self.files,
            **files,
        }
        write_folder(folder, {name: self.data, **{name: text.encode() for name, text in texts.items()}}, force=force)
        return Artifact(folder / name, self.contract, steps)


def tflite_model(file: TfliteFile, contract: Contract, history: tuple[Step, ...]) -> Model:
    """Return the model in *file*, written if it was changed; later reads do not parse it again."""
    made = Model(file.data, TFLITE, contract, history)
    made.__dict__["file"] = file  # the value that the cached property would compute
    return made


def require_tflite(model: Model, what: str) -> None:
    """Raise `InputError` unless *model* is a TFLite file; *what* says what needs one: "detlite quantize"."""
    if model.format != TFLITE:
        raise InputError(f"{what} needs a TFLite model, but this artifact has {model_name(model.format)}")


def model_of(artifact: Artifact) -> Model:
    """Return *artifact*, read into memory."""
    return Model(artifact.model.read_bytes(), artifact.format, artifact.contract, artifact.history)


def session_of(model: Model, *, threads: int = 1) -> Session:
    """Return *model*, open on this machine; its temporary file is deleted when this returns.

    Raises:
        InputError: the interpreter cannot open it, or would lose detections with this number of threads.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / model_name(model.format)
        path.write_bytes(model.data)
        return Session(Artifact(path, model.contract, model.history), threads=threads)


def digest(data: bytes) -> str:
    """Return the sha256 of *data*, in hex."""
    return hashlib.sha256(data).hexdigest()
