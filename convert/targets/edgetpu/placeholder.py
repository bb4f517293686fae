"""Placeholder files that pretend to be compiled models."""

from __future__ import annotations

from detlite.runtime.errors import InputError

MARKS = (b"\xde\xad\xbe\xef", b"\xef\xbe\xad\xde")
"""What the PyPI package `edgecompiler` writes instead of a model, and reports as a success."""

MARK_BYTES = 8  # it is at the beginning, or where a TFLite file has its identifier


def refuse_placeholder(data: bytes, name: str) -> None:
    """Raise `InputError` if *data*, at least the first `MARK_BYTES` bytes of a file, begin a placeholder."""
    if data[:4] in MARKS or data[4:8] in MARKS:
        raise InputError(
            f"{name} is a placeholder that begins with 0xDEADBEEF, as the PyPI package edgecompiler writes it, not a "
            "model: compile with Google's edgetpu_compiler"
        )
