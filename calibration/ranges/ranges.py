"""The ranges of a float model's activations, and their file, which can be compared with diff."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError
from detlite.runtime.strict_json import parse_json

RANGES = "ranges.json"  # its name in an artifact
SCHEMA = {"schema": "detlite.ranges", "schema_version": 1}


@dataclass(frozen=True)
class Range:
    """The range of values that a tensor is quantized for, as real numbers."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InputError(f"a range from {self.low} to {self.high}: want two finite numbers, the lower one first")

    def union(self, other: Range) -> Range:
        """Return the smallest range that contains both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class Ranges:
    """The ranges of a model's activations.

    Attributes:
        tensors: the range of each tensor, by name.
        model_sha256: the digest of the float model.
        images_sha256: the digest of the calibration images, see `Images.digest`.
        image_count: the number of calibration images.
        estimator: the name of the estimator that chose the ranges.
    """

    tensors: Mapping[str, Range]
    model_sha256: str
    images_sha256: str
    image_count: int
    estimator: str

    def to_json(self) -> str:
        """Return the text of the range file: one line per tensor, and the same bytes for the same ranges."""
        record = {**SCHEMA, **{name: getattr(self, name) for name in FACTS}}
        head = json.dumps(record, indent=1, ensure_ascii=False)[:-2]
        lines = (f"  {json.dumps(name)}: {json.dumps([one.low, one.high])}" for name, one in self.tensors.items())
        return f"{head},\n" + ' "tensors": {\n' + ",\n".join(lines) + "\n }\n}\n"

    def check_model(self, data: bytes) -> None:
        """Raise `InputError` unless *data* is the float model that these ranges belong to."""
        found = hashlib.sha256(data).hexdigest()
        if found != self.model_sha256:
            raise InputError(
                f"the ranges belong to another model: its sha256 is {self.model_sha256}, this model's is {found}; "
                "calibrate this model, without --ranges"
            )


FACTS = ("model_sha256", "images_sha256", "image_count", "estimator")


def read_ranges(path: Path) -> Ranges:
    """Return the ranges in the file at *path*.

    Raises:
        InputError: it is not a range file, or has another version.
    """
    if not path.is_file():
        raise InputError(f"there is no range file {path}: give the ranges.json that `detlite quantize` wrote")
    try:
        record = parse_json(path.read_bytes())
        found = {name: record[name] for name in SCHEMA}
        if found != SCHEMA:
            raise InputError(f"schema {found}; want {SCHEMA}")
        tensors = {str(name): Range(float(low), float(high)) for name, (low, high) in record["tensors"].items()}
        count = int(record["image_count"])
        texts = [str(record[name]) for name in ("model_sha256", "images_sha256", "estimator")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{path} is not a range file of detlite: {type(error).__name__}: {error}") from error
    return Ranges(tensors, texts[0], texts[1], count, texts[2])
