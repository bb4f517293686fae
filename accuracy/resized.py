"""Detecting in images that were resized as a client of Android's does: what an app finds with the same model file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import client_resize
from detlite.accuracy.detect import Detected
from detlite.accuracy.evaluation import Detector
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress, silent

AT_ONCE = 256  # images: 70 MB on the disk for an input of 300 x 300


@dataclass(frozen=True)
class ResizedAs:
    """Detects with *detector* in images that were resized before, as *client* does.

    The boxes are those in the images as they were, and so are the sizes.
    """

    client: str
    detector: Detector

    def ready(self) -> AbstractContextManager[object]:
        """Get the detector ready."""
        return self.detector.ready()

    def detect(
        self, artifact: Artifact, paths: Sequence[Path], *, threads: int = 1, progress: Progress = silent
    ) -> Detected:
        """Return what *artifact* finds in the image files *paths*.

        Raises:
            InputError: an image cannot be read.
            UnknownNameError: how the client resizes is not known.
        """
        parts = []
        for begin in range(0, max(1, len(paths)), AT_ONCE):
            some = paths[begin : begin + AT_ONCE]
            parts.append(self._detect(artifact, some, threads))
            progress("images", begin + len(some), len(paths))
        return _joined(parts)

    def facts(self) -> dict[str, Any]:
        """Return what a record says of the device."""
        return self.detector.facts()

    def _detect(self, artifact: Artifact, paths: Sequence[Path], threads: int) -> Detected:
        image, sizes = artifact.contract.image, []
        with tempfile.TemporaryDirectory() as scratch:
            files = [Path(scratch) / f"{number}.npy" for number in range(len(paths))]
            for path, file in zip(paths, files, strict=True):
                pixels = read_image(path)
                sizes.append(pixels.shape[:2])
                np.save(file, client_resize(pixels, image.height, image.width, self.client))
            found = self.detector.detect(artifact, files, threads=threads)
        return replace(found, sizes=np.array(sizes, np.int64))


def _joined(parts: Sequence[Detected]) -> Detected:
    """Return the detections in one list of images of those in its *parts*."""
    before = np.cumsum([0, *(len(part.sizes) for part in parts)])
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("boxes", "classes", "scores", "sizes", "invoke_ns")
    }
    index = np.concatenate([part.image_index + first for part, first in zip(parts, before, strict=False)])
    wall_s = sum(part.wall_s for part in parts)
    return Detected(**columns, image_index=index, wall_s=wall_s, runtime=parts[0].runtime)
