"""Results as lines of JSON: a line about the model, then a line per image, written as soon as it is done.

`board.pyz detect --lines` writes them to stdout, an accuracy run to a file. A line has `LINE_FIELDS` and the fields
of the task's result. Reading a number gives the same bits that were written.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from detlite.runtime.inputs import Size
from detlite.runtime.task import Result

LINE_FIELDS = ("image", "size", "invoke_ns")

Record = Dict[str, Any]


def model_line(runtime: str, model_sha256: str) -> bytes:
    """Return the first line: the interpreter's package and version, and the digest of the model file."""
    return _line({"runtime": runtime, "model_sha256": model_sha256})


def image_line(name: str, size: Size, invoke_ns: int, result: Result) -> bytes:
    """Return the line of the image *name*, (height, width) in pixels, with its *result*."""
    return result_line(name, size, invoke_ns, result.to_record())


def result_line(name: str, size: Size, invoke_ns: int, record: Mapping[str, Any]) -> bytes:
    """Return the line of the image *name*, (height, width) in pixels, with the *record* of its result."""
    return _line({"image": name, "size": list(size), "invoke_ns": invoke_ns, **record})


def _line(record: Record) -> bytes:
    return (json.dumps(record, allow_nan=False) + "\n").encode()
