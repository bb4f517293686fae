"""What a model found in images and in frames of videos, as typed records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from detlite.accuracy.images import orientation
from detlite.runtime.task import Found, Keypoint, shown

Record = dict[str, Any]


class EncodedMask(NamedTuple):
    """The pixels of an instance, as COCO's results hold them.

    Attributes:
        height: of the image, in pixels.
        width: likewise.
        counts: the lengths of the runs, column by column, in COCO's compressed text.
    """

    height: int
    width: int
    counts: str

    def to_record(self) -> Record:
        """Return COCO's `segmentation`."""
        return {"size": [self.height, self.width], "counts": self.counts}


@dataclass(frozen=True)
class ImageResult:
    """What was found in one image, or in one frame of a video.

    Attributes:
        image: the path of the image or video, as it was given or below the folder that was.
        height: of the image as decoded, in pixels.
        width: likewise.
        kind: what a list of the things found is called: `detections`, `ranking`.
        found: best score first, down to the model's own lowest score.
        frame: the number of the frame, from 0 on; None for an image.
        time_s: when the frame is shown, in seconds; None for an image, or where the video does not say.
        masks: the pixels of each of *found*; empty unless asked for, or where the model finds no more than boxes.
    """

    image: str
    height: int
    width: int
    kind: str
    found: tuple[Found, ...]
    frame: int | None = None
    time_s: float | None = None
    masks: tuple[EncodedMask, ...] = ()

    def above(self, threshold: float) -> tuple[Found, ...]:
        """Return what has a score of at least *threshold*, 0..1; best first."""
        return tuple(one for one in self.found if one.score >= threshold)

    def shown(self, threshold: float) -> tuple[Found, ...]:
        """Return what is listed and drawn: what `above` returns; of a ranking the best five, whatever their scores."""
        return shown(self.found, self.kind, threshold)

    def to_record(self, threshold: float) -> Record:
        """Return the record that `--json` writes, of what is `shown` with *threshold*."""
        return self._record(self.shown(threshold))

    def whole_record(self) -> Record:
        """Return the record of everything that was found, which `from_record` reads."""
        masks = {"masks": [list(one) for one in self.masks]} if self.masks else {}
        return {**self._record(self.found), "kind": self.kind, **masks}

    def _record(self, found: Sequence[Found]) -> Record:
        place = {} if self.frame is None else {"frame": self.frame, "time_s": self.time_s}
        listed = [one.to_record() for one in found]
        return {"image": self.image, **place, "height": self.height, "width": self.width, self.kind: listed}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ImageResult:
        """Return what `whole_record` wrote."""
        kind = record["kind"]
        found = tuple(_found(one) for one in record[kind])
        place = (record.get("frame"), record.get("time_s"))
        masks = tuple(EncodedMask(*one) for one in record.get("masks", ()))
        return cls(record["image"], record["height"], record["width"], kind, found, *place, masks=masks)


def _found(record: Mapping[str, Any]) -> Found:
    box = tuple(record["box"]) if "box" in record else None
    points = tuple(
        Keypoint(one["label"], y, x, one["score"]) for one in record.get("keypoints", ()) for y, x in [one["point"]]
    )
    return Found(record["label"], record["class"], record["score"], box, points)


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
        upright: whether the images were turned by their EXIF orientation.
        images: the results, in the order of the inputs; the frames of a video one after the other.
        unread: what could not be read; the other inputs were done.
    """

    model: str
    labels: tuple[str, ...]
    runtime: str
    upright: bool
    images: tuple[ImageResult, ...]
    unread: tuple[Unread, ...] = ()

    def to_record(self, threshold: float) -> Record:
        """Return the record that `detlite detect --json` writes, without what scored under *threshold*."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "orientation": orientation(self.upright),
            "score_threshold": threshold,
            "images": [one.to_record(threshold) for one in self.images],
            "unread": [{"image": one.image, "error": one.error} for one in self.unread],
        }
