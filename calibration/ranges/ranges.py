"""Ranges: low and high of every activation of a float model, in a file that can be compared with diff."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.errors import InputError

RANGES = "ranges.json"  # in an artifact
SCHEMA = {"schema": "detlite.ranges", "schema_version": 1}


@dataclass(frozen=True)
class Range:
    """What a tensor is taken to hold, in reals."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise InputError(f"a range from {self.low} to {self.high}: want two finite numbers, the lower one first")

    def union(self, other: Range) -> Range:
        """Return the smallest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class Ranges:
    """The ranges of a model's activations.

    Attributes:
        tensors: by the tensor's name.
        model_sha256: of the float model.
        images_sha256: of the images that were seen, see `Images.digest`.
        image_count: how many.
        estimator: which file of `calibration/estimators/` made ranges of what was seen.
    """

    tensors: Mapping[str, Range]
    model_sha256: str
    images_sha256: str
    image_count: int
    estimator: str

    def to_json(self) -> str:
        """Return the text of a range file: one line a tensor, the same bytes for the same ranges."""
        record = {**SCHEMA, **{name: getattr(self, name) for name in FACTS}}
        head = json.dumps(record, indent=1, ensure_ascii=False)[:-2]
        lines = (f"  {json.dumps(name)}: {json.dumps([one.low, one.high])}" for name, one in self.tensors.items())
        return f"{head},\n" + ' "tensors": {\n' + ",\n".join(lines) + "\n }\n}\n"

    def check_model(self, data: bytes) -> None:
        """Raise `InputError` where *data* is not the float model that these ranges are of."""
        found = hashlib.sha256(data).hexdigest()
        if found != self.model_sha256:
            raise InputError(
                f"the ranges are of another model: of sha256 {self.model_sha256}, and this one has {found}; "
                "calibrate it, without --ranges"
            )


FACTS = ("model_sha256", "images_sha256", "image_count", "estimator")


def read_ranges(path: Path) -> Ranges:
    """Return the ranges in the file at *path*.

    Raises:
        InputError: it is no range file, or of a version that this detlite does not read.
    """
    if not path.is_file():
        raise InputError(f"there is no range file {path}: give the ranges.json that `detlite quantize` wrote")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = {name: record[name] for name in SCHEMA}
        if found != SCHEMA:
            raise InputError(f"schema {found}; want {SCHEMA}")
        tensors = {str(name): Range(float(low), float(high)) for name, (low, high) in record["tensors"].items()}
        count = int(record["image_count"])
        texts = [str(record[name]) for name in ("model_sha256", "images_sha256", "estimator")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError) as error:
        raise InputError(f"{path} is no range file that detlite wrote: {type(error).__name__}: {error}") from error
    return Ranges(tensors, texts[0], texts[1], count, texts[2])
