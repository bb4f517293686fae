"""The model that `detlite doctor` checks a device for: its requirements."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.artifact import known_artifact
from detlite.convert.targets.edgetpu.compiled import read_compiled, totals
from detlite.convert.tflite.describe import COMPILED, describe
from detlite.devices.doctor.finding import CheckedModel
from detlite.runtime.errors import InputError

SUFFIXES = (".tflite", ".onnx")


def examined(path: Path) -> CheckedModel:
    """Return what the model at *path* needs: a folder of detlite's, a .tflite or a .onnx.

    Raises:
        InputError: it is none of these, or damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: want a folder that detlite wrote, a .tflite or a .onnx, and there is nothing")
    if path.is_dir():
        artifact = known_artifact(path)
        assert artifact is not None  # of a folder it is an artifact, or an error
        path = artifact.model
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: want a folder that detlite wrote, a .tflite or a .onnx")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix == ".onnx" or describe(data, str(path)).kind != COMPILED:
        return CheckedModel(path, len(data))
    needed = totals(read_compiled(data, str(path)))["min_runtime_version"]
    return CheckedModel(path, len(data), needed)
