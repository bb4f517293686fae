"""Detections as lines of JSON: which model found them, then one line an image, written as soon as it is done.

`board.pyz detect --lines` writes them to stdout, an accuracy run to a file. Numbers are written so that reading them
gives the same bits; boxes are (y1, x1, y2, x2), 0..1 of the image.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Tuple

import numpy as np

from detlite.runtime.boxes.detections import Detections

FIELDS = ("boxes", "classes", "scores", "size", "invoke_ns")

Record = Dict[str, Any]


def model_line(runtime: str, model_sha256: str) -> bytes:
    """Return the first line: the interpreter's package and version, and the digest of the model as it was read."""
    return _line({"runtime": runtime, "model_sha256": model_sha256})


def image_line(name: str, size: Tuple[int, int], invoke_ns: int, found: Detections) -> bytes:
    """Return the line of the image *name*, (height, width) in pixels, in which *found* was found."""
    record: Record = {"image": name, "size": list(size), "invoke_ns": invoke_ns}
    record |= {"boxes": found.boxes.tolist(), "classes": found.classes.tolist(), "scores": found.scores.tolist()}
    return _line(record)


def detections_in(record: Record) -> Detections:
    """Return what the line *record* holds."""
    boxes = np.array(record["boxes"], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array(record["classes"], np.int64), np.array(record["scores"], np.float32))


def _line(record: Record) -> bytes:
    return (json.dumps(record, allow_nan=False) + "\n").encode()
