"""The record from which every form of a report is written: plain data, independent of the machine that wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

STATUSES = ("pass", "caution", "fail", "info")
"""`caution`: it passed, and there are cautions."""

MOST_PICTURES = 12  # twelve thumbnails stay well under the 3 MB limit of mail and chat
SHOWN_SCORE = 0.3
MOST_SHOWN = 20  # detections drawn in one picture: more would hide it


@dataclass(frozen=True)
class ModelFile:
    """A model of the report; the others are compared with the first.

    Attributes:
        name: its name throughout the report, such as `float32`.
        file: its file's name.
        sha256: of the file, in hex.
        size_bytes: of the file; None if its record does not say.
        operators: number of operators; None if the file is missing.
        float_operators: number that compute in floating point (islands, in an int8 model); None likewise.
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
    """One figure of one model: *value* in percent, *low* and *high* of its 95 % interval if there is one.

    It is of so many *images*, or of another *unit*.
    """

    name: str
    metric: str
    value: float
    images: int
    low: float | None = None
    high: float | None = None
    note: str = ""
    unit: str = "image"


@dataclass(frozen=True)
class GateRow:
    """What was *asked* of a figure, what was *reached*, as texts, and whether it *passed*."""

    name: str
    asked: str
    reached: str
    passed: bool


@dataclass(frozen=True)
class Speed:
    """The last model's median time over the first's, and its 95 % interval from samples taken in turn."""

    ratio: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high < float("inf"):
            raise InputError(f"a ratio of times from {self.low} to {self.high}: want low over 0, and not over high")


@dataclass(frozen=True)
class Latencies:
    """One model's times of invoke alone, every sample in ms, in order; *detail* names threads and runtime."""

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
    """One model's detections in a picture."""

    name: str
    detections: tuple[Shown, ...]


@dataclass(frozen=True)
class Picture:
    """A picture with each model's detections, side by side.

    It was turned *upright* by its EXIF orientation, or read as stored.
    """

    path: Path
    sides: tuple[PictureSide, ...]
    upright: bool = True


@dataclass(frozen=True)
class Step:
    """One step of how the model was made: its name, and what it did."""

    name: str
    text: str


@dataclass(frozen=True)
class ReportTable:
    """A table of texts: its title, an introductory sentence, the column names and the rows."""

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
        status: one of `STATUSES`: how the verdict is shown.
        models: the first is the reference.
        accuracy: figures in percent.
        latencies: every sample.
        tables: further tables.
        pictures: at most `MOST_PICTURES`.
        steps: provenance, first step first.
        repairs: the repairs of the input.
        notes: how to read the numbers.
        machine: (name, value) pairs of the machine that measured.
        gates: what was asked, and what was reached.
        cautions: why the figures are less sure than they look, one sentence each.
        speed: None if it cannot be judged.
        date: when the newest of its results was found, such as `2026-11-29 14:21 UTC`; empty if no record says it.
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
    gates: tuple[GateRow, ...] = ()
    cautions: tuple[str, ...] = ()
    speed: Speed | None = None
    date: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InputError(f"a report's status is {self.status!r}; it must be one of {', '.join(STATUSES)}")
        if self.status == "pass" and self.cautions:
            raise InputError(
                f"a report that passes has {counted(len(self.cautions), 'caution')}: its status must be caution"
            )
        if not self.models:
            raise InputError("a report without a model: it needs at least one")
        if len(self.pictures) > MOST_PICTURES:
            raise InputError(f"{counted(len(self.pictures), 'picture')} in a report: at most {MOST_PICTURES}")
