"""What a model found in images and in frames of videos, as typed records."""

from __future__ import annotations

import sys
import weakref
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, overload

from detlite.accuracy.images import orientation
from detlite.runtime.strict_json import parse_json
from detlite.runtime.task import RANKED, Found, Keypoint, shown

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
        found: best score first, down to the model's own lowest score; in a frame of a video the best five of a ranking.
        frame: the number of the frame, from 0 on, of a window the last one; None for an image.
        time_s: when the frame is shown, in seconds; None for an image, or where the video does not say.
        masks: the pixels of each of *found*; empty unless asked for, or where the model finds no more than boxes.
        first_frame: of a window of frames, for a model that takes clips; None for others.
        scene: the number of the scene, from 0 on; None if scenes were not looked for.
    """

    image: str
    height: int
    width: int
    kind: str
    found: tuple[Found, ...]
    frame: int | None = None
    time_s: float | None = None
    masks: tuple[EncodedMask, ...] = ()
    first_frame: int | None = None
    scene: int | None = None

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
        further = {"first_frame": self.first_frame, "scene": self.scene}
        place |= {name: value for name, value in further.items() if value is not None}
        listed = [one.to_record() for one in found]
        return {"image": self.image, **place, "height": self.height, "width": self.width, self.kind: listed}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ImageResult:
        """Return what `whole_record` wrote."""
        kind = record["kind"]
        found = tuple(_found(one) for one in record[kind])
        place = {name: record.get(name) for name in ("frame", "time_s", "first_frame", "scene")}
        masks = tuple(EncodedMask(*one) for one in record.get("masks", ()))
        return cls(record["image"], record["height"], record["width"], kind, found, masks=masks, **place)


def _found(record: Mapping[str, Any]) -> Found:
    box = tuple(record["box"]) if "box" in record else None
    points = tuple(
        Keypoint(one["label"], y, x, one["score"]) for one in record.get("keypoints", ()) for y, x in [one["point"]]
    )
    label = sys.intern(record["label"])  # one text for all frames of a video
    return Found(label, record["class"], record["score"], box, points, record.get("logit"))


@dataclass(frozen=True)
class VideoResult:
    """A video as a whole.

    Attributes:
        video: its path.
        frames: how many the model has seen.
        answers: how often it answered: at each frame, or after each window.
        ranking: what a classifier says at the end, best score first: the last answer of a stream, or the mean of the
            windows; empty for other models.
    """

    video: str
    frames: int
    answers: int
    ranking: tuple[Found, ...] = ()

    def to_record(self) -> Record:
        """Return the record that `--json` writes, with the best five classes."""
        return self._record(self.ranking[:RANKED])

    def whole_record(self) -> Record:
        """Return the record of all classes, which `from_record` reads."""
        return self._record(self.ranking)

    def _record(self, ranking: Sequence[Found]) -> Record:
        listed = {"ranking": [one.to_record() for one in ranking]} if ranking else {}
        return {"video": self.video, "frames": self.frames, "answers": self.answers, **listed}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> VideoResult:
        """Return what `whole_record` wrote."""
        ranking = tuple(_found(one) for one in record.get("ranking", ()))
        return cls(record["video"], record["frames"], record["answers"], ranking)


@dataclass(frozen=True)
class Unread:
    """An image or video that could not be read, or only in part: its name, and the error in one line."""

    image: str
    error: str


class ResultFile(Sequence[ImageResult]):
    """Results in a file of lines, read one at a time: a long video has more of them than fit into memory."""

    def __init__(self, file: IO[bytes], places: array[int]) -> None:
        """Read from *file*, which is closed when nobody uses this; *places* are where its results begin."""
        self._file, self._places = file, places
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> ImageResult: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ImageResult]: ...

    def __getitem__(self, index: int | slice) -> ImageResult | Sequence[ImageResult]:
        """Return one result, or some of them."""
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        self._file.seek(self._places[index])
        return ImageResult.from_record(parse_json(self._file.readline()))

    def __iter__(self) -> Iterator[ImageResult]:
        for index in range(len(self)):
            yield self[index]


class _Records(list[Record]):
    """The records of *results*, each made when it is written: for `json`, which takes lists."""

    def __init__(self, results: Sequence[ImageResult], threshold: float) -> None:
        super().__init__()
        self._results, self._threshold = results, threshold

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Record]:
        return (one.to_record(self._threshold) for one in self._results)


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
        videos: each video as a whole.
    """

    model: str
    labels: tuple[str, ...]
    runtime: str
    upright: bool
    images: Sequence[ImageResult]
    unread: tuple[Unread, ...] = ()
    videos: tuple[VideoResult, ...] = ()

    def to_record(self, threshold: float) -> Record:
        """Return the record that `detlite detect --json` writes, without what scored under *threshold*."""
        return self._record([one.to_record(threshold) for one in self.images], threshold)

    def streamed_record(self, threshold: float) -> Record:
        """Return the same for `json` alone: its images are read while they are written."""
        return self._record(_Records(self.images, threshold), threshold)

    def _record(self, images: list[Record], threshold: float) -> Record:
        return {
            "model": self.model,
            "runtime": self.runtime,
            "orientation": orientation(self.upright),
            "score_threshold": threshold,
            "images": images,
            **({"videos": [one.to_record() for one in self.videos]} if self.videos else {}),
            "unread": [{"image": one.image, "error": one.error} for one in self.unread],
        }
