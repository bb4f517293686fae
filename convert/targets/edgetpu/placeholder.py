"""Files that stand in the place of a compiled model, and are none."""

from __future__ import annotations

from detlite.runtime.errors import InputError

MARKS = (b"\xde\xad\xbe\xef", b"\xef\xbe\xad\xde")
"""What the package `edgecompiler` of PyPI writes in place of a model, and reports as a success."""

MARK_BYTES = 8  # where one may stand: at the beginning, or where a TFLite file has its identifier


def refuse_placeholder(data: bytes, name: str) -> None:
    """Raise `InputError` where *data*, at least the first `MARK_BYTES` bytes of a file, begin a placeholder."""
    if data[:4] in MARKS or data[4:8] in MARKS:
        raise InputError(
            f"{name} is a placeholder that begins with 0xDEADBEEF, as the PyPI package edgecompiler writes it, and no "
            "model: compile with Google's edgetpu_compiler"
        )
