"""Where a model is run over a list of images: on this machine, elsewhere, or earlier, with its results saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from detlite.accuracy.detect import detecting, predict
from detlite.accuracy.predictions import Predictions
from detlite.accuracy.video import is_video
from detlite.accuracy.video_ranks import predict_videos
from detlite.accuracy.views import WHOLE, Views
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


class SavedResults(ABC):
    """Results that were saved before: they are read, and no model is run."""

    def ready(self) -> nullcontext[None]:
        """Do nothing: nothing has to be started."""
        return nullcontext()

    def detect(
        self,
        artifact: Artifact,
        paths: Sequence[Path],
        *,
        threads: int = 1,  # noqa: ARG002 - nothing is run here
        upright: bool = False,  # noqa: ARG002 - the images were read before
        progress: Progress = silent,  # noqa: ARG002 - reading takes no time
    ) -> Predictions:
        """Return the saved results for the image files *paths*; errors as `results_for`."""
        return self.results_for(artifact, paths)

    @abstractmethod
    def results_for(self, artifact: Artifact, paths: Sequence[Path]) -> Predictions:
        """Return what *artifact* said about the image files *paths*.

        Raises:
            InputError: the results cannot be read, are of another model, or lack an image.
        """


class ThisMachine:
    """Runs models in a child process on this machine."""

    def __init__(self, views: Views = WHOLE) -> None:
        """Start nothing yet; videos are cut by *views*."""
        self._child: Child | None = None
        self._views = views

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
        """Return what *artifact* says about the image files *paths*, turned *upright* or as stored, or about videos."""
        child, self._child = self._child, None
        if any(map(is_video, paths)):
            if child is not None:
                child.end()
            return predict_videos(artifact, paths, self._views, threads=threads, progress=progress)
        return predict(artifact, paths, threads=threads, upright=upright, child=child, progress=progress)

    def facts(self) -> dict[str, Any]:
        """Return what this machine is."""
        return dict(host_facts())
