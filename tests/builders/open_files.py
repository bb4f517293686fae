"""Passes over an open .tflite file, as functions from bytes to bytes."""

from collections.abc import Callable
from typing import Any

from detlite.convert.tflite.open_file import TfliteFile


def edited(
    change: Callable[..., object], data: bytes, *arguments: Any, name: str = "the model", **options: Any
) -> bytes:
    """The file *data*, called *name*, after the pass *change*."""
    file = TfliteFile(data, name)
    change(file, *arguments, **options)
    return file.data
