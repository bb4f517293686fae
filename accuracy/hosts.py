"""Where a model is run over a list of images: on this machine, or wherever else a class says how."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from detlite.accuracy.detect import detecting, predict
from detlite.accuracy.predictions import Predictions
from detlite.runtime.artifact import Artifact
from detlite.runtime.child import Child
from detlite.runtime.measure.host import host_facts
from detlite.runtime.progress import Progress, silent


class InferenceHost(Protocol):
    """Where models are run; what they predict is scored on this machine."""

    def ready(self) -> AbstractContextManager[object]:
        """Get ready to run a model, while labels are read; what was not used ends with the `with`."""

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,
        upright: bool = True,
        progress: Progress = silent,
    ) -> Predictions:
        """Return what *artifact* says about the image files *paths*, turned *upright* or as stored."""

    def facts(self) -> dict[str, Any]:
        """Return what a record says of the device."""


class ThisMachine:
    """Runs models in a child process on this machine."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._child: Child | None = None

    def ready(self) -> AbstractContextManager[object]:
        """Start the process of the first run: it imports the interpreter while labels are read."""
        self._child = detecting()
        return self._child

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,
        upright: bool = True,
        progress: Progress = silent,
    ) -> Predictions:
        """Return what *artifact* says about the image files *paths*, turned *upright* or as stored."""
        child, self._child = self._child, None
        return predict(artifact, paths, threads=threads, upright=upright, child=child, progress=progress)

    def facts(self) -> dict[str, Any]:
        """Return what this machine is."""
        return dict(host_facts())
