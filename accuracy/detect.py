"""What an artifact finds in a list of images, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.artifact import Artifact
from detlite.runtime.child import Child
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Detected:
    """The detections in a list of images, all in one.

    Attributes:
        boxes: float32, (n, 4): (y1, x1, y2, x2), 0..1 of the image.
        classes: int64, (n,): from 0 on, without background.
        scores: float32, (n,), in 0..1.
        image_index: int64, (n,): which of the images, never falling; in an image the best score comes first.
        sizes: int64, (images, 2): (height, width) of each image as it was decoded, in pixels.
        invoke_ns: int64, (images,): how long the interpreter alone took.
        wall_s: how long all of it took, from the request to the last answer; 0 where that is not known.
        runtime: the interpreter's package and version.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]
    image_index: NDArray[np.int64]
    sizes: NDArray[np.int64]
    invoke_ns: NDArray[np.int64]
    wall_s: float = 0.0
    runtime: str = ""

    def __post_init__(self) -> None:
        count, images = len(self.scores), len(self.sizes)
        if self.boxes.shape != (count, 4) or len(self.classes) != count or len(self.image_index) != count:
            raise InputError(f"{count} scores, {len(self.classes)} classes, {self.boxes.shape} boxes: want as many")
        if count and not (self.image_index.min() >= 0 and self.image_index.max() < images):
            raise InputError(f"detections in image {self.image_index.max()} of {images}")
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise InputError("the model returned boxes or scores that are not finite numbers: it cannot be scored")

    @property
    def invoke_sum_s(self) -> float:
        """The sum of the bare invoke times, in seconds."""
        return float(self.invoke_ns.sum()) / 1e9

    def of_image(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Return boxes, classes and scores of one image."""
        here = self.image_index == index
        return self.boxes[here], self.classes[here], self.scores[here]


def detected_in(records: Sequence[Mapping[str, Any]], wall_s: float, runtime: str) -> Detected:
    """Return what the lines *records* hold, an image each; see `runtime.result_lines`."""
    counts = [len(record["scores"]) for record in records]
    return Detected(
        boxes=np.array([box for record in records for box in record["boxes"]], np.float32).reshape(-1, 4),
        classes=np.array([number for record in records for number in record["classes"]], np.int64),
        scores=np.array([score for record in records for score in record["scores"]], np.float32),
        image_index=np.repeat(np.arange(len(records), dtype=np.int64), counts),
        sizes=np.array([record["size"] for record in records], np.int64).reshape(-1, 2),
        invoke_ns=np.array([record["invoke_ns"] for record in records], np.int64),
        wall_s=wall_s,
        runtime=runtime,
    )


def detecting() -> Child:
    """Return the process of a detection, which starts while its images are still being listed; to be ended."""
    return Child("detlite.runtime.child_calls:detect")


def detect(
    artifact: Artifact,
    paths: Sequence[Path],
    *,
    threads: int = 1,
    child: Child | None = None,
    progress: Progress = silent,
) -> Detected:
    """Return what *artifact* finds in the image files *paths*, in *child*, or in a process of its own.

    Raises:
        InputError: there are no images, or one cannot be read.
        DeviceError: the interpreter crashed.
    """
    with tempfile.TemporaryDirectory() as scratch, child or detecting() as started:
        out = Path(scratch) / "detections.npz"
        request = {
            "model": str(artifact.model),
            "contract": artifact.contract.to_json(),
            "images": [str(path) for path in paths],
            "threads": threads,
            "out": str(out),
        }
        begin = time.perf_counter()
        answer = started.answer(request, progress=progress)
        wall_s = time.perf_counter() - begin
        with np.load(out) as columns:
            return Detected(**{name: columns[name] for name in columns.files}, wall_s=wall_s, runtime=answer["runtime"])
