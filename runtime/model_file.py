"""The name of an artifact's model file, by its format. Without numpy, so that a board's program starts faster."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from detlite.runtime.errors import InputError

FORMATS = ("tflite", "onnx")
"""Formats of a finished model; each is also its file's suffix."""


def model_name(format: str) -> str:  # noqa: A002 - what the field calls it
    """Return the name of an artifact's model file: `model.onnx` for the format onnx."""
    return f"model.{format}"


MODEL_NAMES = tuple(map(model_name, FORMATS))


def is_tflite(path: Path) -> bool:
    """Return whether the file at *path* starts like a TFLite flatbuffer."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def suffix_of(model: Path) -> str:
    """Return the suffix of the file *model*; `.tflite` for a TFLite file of another name, such as the hub's `.lite`."""
    return ".tflite" if model.is_file() and is_tflite(model) else model.suffix


def is_model_file(path: Path) -> bool:
    """Return whether the name of *path* is one of a model: its suffix is a format."""
    return path.suffix[1:] in FORMATS


def model_in(folder: Path) -> Optional[Path]:
    """Return the model file of the artifact in *folder*, or None if there is none.

    Raises:
        InputError: there are two, and a contract describes only one.
    """
    found = [folder / name for name in MODEL_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        raise InputError(f"{folder} holds {found[0].name} and {found[1].name}: an artifact has one model; remove one")
    return found[0] if found else None
