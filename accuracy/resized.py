"""Running a model over images resized as an Android client resizes them: what an app gets with the same model file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.client_resize import client_resize
from detlite.accuracy.hosts import InferenceHost
from detlite.accuracy.predictions import Predictions
from detlite.runtime.artifact import Artifact
from detlite.runtime.image.read import read_image
from detlite.runtime.progress import Progress, silent

AT_ONCE = 256  # images on the disk at a time: 70 MB for an input of 300 x 300


@dataclass(frozen=True)
class ResizedAs:
    """Runs models on *host* over images that were resized before, as *client* does.

    The boxes and the sizes are for the original images.
    """

    client: str
    host: InferenceHost

    def ready(self) -> AbstractContextManager[object]:
        """Get the host ready."""
        return self.host.ready()

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,
        upright: bool = True,
        progress: Progress = silent,
    ) -> Predictions:
        """Return what *artifact* says about the image files *paths*, turned *upright* or as stored.

        Raises:
            InputError: an image cannot be read.
            UnknownNameError: the client is not known.
        """
        parts = []
        for begin in range(0, max(1, len(paths)), AT_ONCE):
            some = paths[begin : begin + AT_ONCE]
            parts.append(self._detect(artifact, some, threads, upright))
            progress("images", begin + len(some), len(paths))
        return type(parts[0]).join(parts)

    def facts(self) -> dict[str, Any]:
        """Return what a record says of the device."""
        return self.host.facts()

    def _detect(self, artifact: Artifact, paths: Sequence[Path], threads: int, upright: bool) -> Predictions:
        image, sizes = artifact.contract.image, []
        with tempfile.TemporaryDirectory() as scratch:
            files = [Path(scratch) / f"{number}.npy" for number in range(len(paths))]
            for path, file in zip(paths, files, strict=True):
                pixels = read_image(path, upright=upright)
                sizes.append(pixels.shape[:2])
                np.save(file, client_resize(pixels, image.height, image.width, self.client))
            found = self.host.detect(artifact, files, threads=threads)
        return replace(found, sizes=np.array(sizes, np.int64))
