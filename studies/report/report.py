"""The record that every form of a report is written from: plain data, nothing of the machine that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detlite.runtime.errors import InputError

STATUSES = ("pass", "fail", "info")
MOST_PICTURES = 12  # twelve thumbnails stay well under the 3 MB that mail and chat take
SHOWN_SCORE = 0.3
MOST_SHOWN = 20  # detections drawn in one picture: more hide the picture


@dataclass(frozen=True)
class ModelFile:
    """One model that the report is about; the first is what the others are compared with.

    Attributes:
        name: how the report calls it everywhere, such as `float32`.
        file: its file's name.
        sha256: of the file, in hex.
        size_bytes: of the file; None where its record does not say.
        operators: how many operators it has; None where the file is gone.
        float_operators: how many of them compute in floating point (islands, in an int8 model); None likewise.
        quantization: such as `none` or `int8 per channel`; empty likewise.
    """

    name: str
    file: str
    sha256: str
    size_bytes: int | None
    operators: int | None = None
    float_operators: int | None = None
    quantization: str = ""


@dataclass(frozen=True)
class AccuracyRow:
    """One figure of one model: *value* in percent, *low* and *high* of its 95 % interval where there is one."""

    name: str
    metric: str
    value: float
    images: int
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Latencies:
    """What one model took, invoke alone, every sample in ms, in order; *detail* names threads and runtime."""

    name: str
    samples_ms: tuple[float, ...]
    detail: str = ""

    def __post_init__(self) -> None:
        if not self.samples_ms or not all(0 < sample < float("inf") for sample in self.samples_ms):
            raise InputError(f"the latencies of {self.name}: want at least one, and each over 0 ms")

    def percentile_ms(self, percent: float) -> float:
        """Return that percentile, between samples by linear interpolation."""
        return float(np.percentile(self.samples_ms, percent))


@dataclass(frozen=True)
class Shown:
    """One detection to draw: *box* is (y1, x1, y2, x2) in 0..1 of the picture."""

    box: tuple[float, float, float, float]
    label: str
    score: float


@dataclass(frozen=True)
class PictureSide:
    """What one model found in a picture."""

    name: str
    detections: tuple[Shown, ...]


@dataclass(frozen=True)
class Picture:
    """A picture with what each model found in it, side by side."""

    path: Path
    sides: tuple[PictureSide, ...]


@dataclass(frozen=True)
class Step:
    """One step of how it came about: its name, and what it did."""

    name: str
    text: str


@dataclass(frozen=True)
class ReportTable:
    """A table of texts: its title, a sentence on it, the columns' names and the rows."""

    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: one line.
        verdict: one sentence that a reader can act on.
        status: `pass`, `fail` or `info`: how the verdict is shown.
        models: the first is the reference.
        accuracy: figures in percent.
        latencies: every sample.
        tables: whatever else stands in rows.
        pictures: at most `MOST_PICTURES`.
        steps: provenance, first step first.
        repairs: what was wrong in the input and was put right.
        notes: how to read the numbers; warnings.
        machine: (name, value) of what measured it.
    """

    title: str
    verdict: str
    status: str
    models: tuple[ModelFile, ...]
    accuracy: tuple[AccuracyRow, ...] = ()
    latencies: tuple[Latencies, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    pictures: tuple[Picture, ...] = ()
    steps: tuple[Step, ...] = ()
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    machine: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"a report's status is {self.status!r}; it must be one of {', '.join(STATUSES)}")
        if not self.models:
            raise InputError("a report without a model: it needs at least one")
        if len(self.pictures) > MOST_PICTURES:
            raise InputError(f"{len(self.pictures)} pictures in a report: at most {MOST_PICTURES}")
