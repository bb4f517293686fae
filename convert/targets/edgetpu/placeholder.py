"""Placeholder files that pretend to be compiled models."""

from __future__ import annotations

from detlite.runtime.errors import InputError

HEAD_BYTES = 4096  # of a file: enough to tell
MARKS = (b"\xde\xad\xbe\xef", b"\xef\xbe\xad\xde")
TFLITE = b"TFL3"
EDGECOMPILER = b"edgecompiler-"
"""The beginning of the model's description in what the PyPI package `edgecompiler` 0.1.1 writes, and calls compiled.

It is a TFLite table without the identifier `TFL3`, with an `edgetpu-custom-op` whose instructions are a placeholder.
"""


def refuse_placeholder(data: bytes, name: str) -> None:
    """Raise `InputError` if *data*, at least the first `HEAD_BYTES` bytes of a file, begin a placeholder."""
    if data[:4] in MARKS or data[4:8] in MARKS:
        raise InputError(
            f"{name} is a placeholder that begins with 0xDEADBEEF, not a model: compile with Google's edgetpu_compiler"
        )
    if data[4:8] != TFLITE and EDGECOMPILER in data[:HEAD_BYTES]:
        raise InputError(
            f"{name} is a placeholder of the PyPI package edgecompiler, without the identifier TFL3 and without "
            "instructions for the Edge TPU: compile with Google's edgetpu_compiler"
        )
