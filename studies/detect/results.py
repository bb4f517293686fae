"""What a model found in images and in frames of videos, as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Box = tuple[float, float, float, float]

DETECTIONS, RANKING = "detections", "ranking"
"""The keys under which a record lists what was found: things in boxes, or classes of the whole image."""


@dataclass(frozen=True)
class ScoredLabel:
    """One thing that a model found.

    Attributes:
        label: the name of its class.
        number: the class, from 0 on, without the background.
        score: 0..1.
        box: (y1, x1, y2, x2) in 0..1 of the image; None where the class is of the whole image.
    """

    label: str
    number: int
    score: float
    box: Box | None = None

    def to_record(self) -> Record:
        """Return the record that `--json` writes: `box`, `class`, `label`, `score`."""
        box = {} if self.box is None else {"box": list(self.box)}
        return {**box, "class": self.number, "label": self.label, "score": self.score}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ScoredLabel:
        """Return what `to_record` wrote."""
        box = tuple(record["box"]) if "box" in record else None
        return cls(record["label"], record["class"], record["score"], box)


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image, or in one frame of a video.

    Attributes:
        image: the path of the image or video, as it was given or below the folder that was.
        height: of the image as decoded, in pixels.
        width: likewise.
        kind: `detections` or `ranking`.
        found: best score first, down to the model's own lowest score.
        frame: the number of the frame, from 0 on; None for an image.
        time_s: when the frame is shown, in seconds; None for an image, or where the video does not say.
    """

    image: str
    height: int
    width: int
    kind: str
    found: tuple[ScoredLabel, ...]
    frame: int | None = None
    time_s: float | None = None

    def above(self, threshold: float) -> tuple[ScoredLabel, ...]:
        """Return what has a score of at least *threshold*, 0..1; best first."""
        return tuple(one for one in self.found if one.score >= threshold)

    def to_record(self, threshold: float = 0.0) -> Record:
        """Return the record that `--json` writes, of everything with a score of at least *threshold*."""
        place = {} if self.frame is None else {"frame": self.frame, "time_s": self.time_s}
        listed = [one.to_record() for one in self.above(threshold)]
        return {"image": self.image, **place, "height": self.height, "width": self.width, self.kind: listed}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ImageResult:
        """Return what `to_record` wrote."""
        kind = RANKING if RANKING in record else DETECTIONS
        found = tuple(ScoredLabel.from_record(one) for one in record[kind])
        place = (record.get("frame"), record.get("time_s"))
        return cls(record["image"], record["height"], record["width"], kind, found, *place)


@dataclass(frozen=True)
class Unread:
    """An image or video that could not be read, or only in part: its name, and the error in one line."""

    image: str
    error: str


@dataclass(frozen=True)
class DetectRun:
    """Everything that one run found.

    Attributes:
        model: the path of the model file.
        labels: of the model, from class 0 on.
        runtime: the interpreter's package and version.
        images: the results, in the order of the inputs; the frames of a video one after the other.
        unread: what could not be read; the other inputs were done.
    """

    model: str
    labels: tuple[str, ...]
    runtime: str
    images: tuple[ImageResult, ...]
    unread: tuple[Unread, ...] = ()

    def to_record(self, threshold: float = 0.0) -> Record:
        """Return the record that `detlite detect --json` writes, without what scored under *threshold*."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "score_threshold": threshold,
            "images": [one.to_record(threshold) for one in self.images],
            "unread": [{"image": one.image, "error": one.error} for one in self.unread],
        }
