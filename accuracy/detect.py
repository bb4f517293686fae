"""What an artifact finds in a list of images, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.predictions import Predictions, joined_columns, scored_task
from detlite.runtime.artifact import Artifact
from detlite.runtime.child import Child
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.tasks.detection import Detection


@dataclass(frozen=True, eq=False, kw_only=True)
class Detected(Predictions):
    """The detections in a list of images, all in one.

    Attributes:
        boxes: float32, (n, 4): (y1, x1, y2, x2), 0..1 of the image.
        classes: int64, (n,): from 0 on, without background.
        scores: float32, (n,), in 0..1.
        image_index: int64, (n,): which of the images, never falling; in an image the best score comes first.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    image_index: NDArray[np.int64]

    def __post_init__(self) -> None:
        count, images = len(self.scores), len(self.sizes)
        if self.boxes.shape != (count, 4) or len(self.classes) != count or len(self.image_index) != count:
            raise InputError(f"scores ({count},), classes {self.classes.shape}, boxes {self.boxes.shape}: want as many")
        if count and not (self.image_index.min() >= 0 and self.image_index.max() < images):
            raise InputError(f"detections in image {self.image_index.max()} of {images}")
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise InputError("the model returned boxes or scores that are not finite numbers: it cannot be scored")

    @property
    def count(self) -> int:
        """How many detections there are."""
        return len(self.scores)

    @property
    def encoded(self) -> NDArray[np.object_] | None:
        """The masks as COCO encodes them, object (n,); None for a detector, which finds boxes."""
        return None

    def of_image(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Return boxes, classes and scores of one image."""
        here = self.image_index == index
        return self.boxes[here], self.classes[here], self.scores[here]

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield `boxes`, `classes` and `scores` of each image."""
        ends = np.searchsorted(self.image_index, np.arange(len(self.sizes) + 1)).tolist()
        for start, stop in pairwise(ends):
            yield {name: getattr(self, name)[start:stop].tolist() for name in ("boxes", "classes", "scores")}

    @classmethod
    def join(cls, parts: Sequence[Detected]) -> Detected:
        """Return the detections in one list of images of the ones in its *parts*."""
        before = np.cumsum([0, *(len(part.sizes) for part in parts)])
        index = np.concatenate([part.image_index + first for part, first in zip(parts, before, strict=False)])
        return cls(**joined_columns(parts, "boxes", "classes", "scores"), image_index=index)


def detection_protocol(task: Detection) -> dict[str, object]:
    """Return the settings of *task* that decide which detections there are."""
    return {
        "max_detections": task.nms.max_detections,
        "score_threshold": task.nms.score_threshold,
        "nms": asdict(task.nms),
        "label_offset": task.label_offset,
    }


def detecting() -> Child:
    """Return the child process of a detection, which starts while its images are still being listed; close it."""
    return Child("detlite.runtime.child_calls:detect")


def predict(
    artifact: Artifact,
    paths: Sequence[Path],
    *,
    threads: int = 1,
    upright: bool = True,
    child: Child | None = None,
    progress: Progress = silent,
) -> Predictions:
    """Return what *artifact* says about the image files *paths*, run in *child*, or in a process of its own.

    The images are turned *upright* by their EXIF orientation, or read as stored, as labels are.

    Raises:
        InputError: there are no images, one cannot be read, or the artifact's task is not scored.
        DeviceError: the interpreter crashed.
    """
    task = scored_task(artifact.contract.task.kind)
    with tempfile.TemporaryDirectory() as scratch, child or detecting() as started:
        out = Path(scratch) / "detections.npz"
        request = {
            "model": str(artifact.model),
            "contract": artifact.contract.to_json(),
            "images": [str(path) for path in paths],
            "threads": threads,
            "upright": upright,
            "out": str(out),
        }
        if artifact.bank is not None:
            request["bank"] = str(artifact.bank)
        begin = time.perf_counter()
        answer = started.answer(request, progress=progress)
        wall_s = time.perf_counter() - begin
        with np.load(out) as columns:
            made: Predictions = task.predictions(
                **{name: columns[name] for name in columns.files}, wall_s=wall_s, runtime=answer["runtime"]
            )
            return made


def detect(
    artifact: Artifact, paths: Sequence[Path], *, threads: int = 1, upright: bool = True, progress: Progress = silent
) -> Detected:
    """Return the objects that a detector finds in the image files *paths*; `predict` for a detector alone."""
    return detected_of(predict(artifact, paths, threads=threads, upright=upright, progress=progress))


def detected_of(predictions: Predictions) -> Detected:
    """Return *predictions* as detections; `ContractError` where the model's task is another."""
    if not isinstance(predictions, Detected):
        raise ContractError("this needs a detector, and the model's task is another")
    return predictions
