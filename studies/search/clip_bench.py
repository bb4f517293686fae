"""Running models of clips on the same clips, and their agreement with the float model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from detlite.accuracy.images import Images
from detlite.accuracy.output_error import SureOutputs, sure_outputs
from detlite.accuracy.predictions import Predictions
from detlite.calibration.video.clips import ClipFootage
from detlite.convert.model import Model, session_of
from detlite.runtime.inputs import Size
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.runtime.stream import StreamResult, columns
from detlite.runtime.task import Heads
from detlite.studies.search.bench import Bench

T = TypeVar("T")


class ClipBench(Bench):
    """Clips, and the float model's results for them. They are cut from the videos anew for each model."""

    def __init__(self, reference: Model, footage: ClipFootage, *, progress: Progress = silent) -> None:
        """Run *reference*, the float model, on the clips of *footage*."""
        self._footage, self.scenes, self.unread = footage, footage.scenes, footage.unread
        self._frame: Size = (reference.contract.image.height, reference.contract.image.width)
        super().__init__(reference, Images((), ""), progress=progress)

    def _run_reference(self, reference: Model) -> tuple[Predictions, list[SureOutputs]]:
        session = session_of(reference)
        seen: list[StreamResult] = []
        sure: list[SureOutputs] = []
        for _number, heads in self._footage.heads(session):
            sure.append(sure_outputs(reference.contract, heads))
            seen.append(StreamResult(session.postprocess(heads, self._frame), self._frame, 0))
            self._progress("clips", len(seen), self._footage.count)
        return self._task.predictions(**columns(seen)), sure

    def _run(self, model: Model, see: Callable[[Session, int, Heads], T], count: int | None = None) -> Iterator[T]:
        session = session_of(model)
        for number, (_frame, heads) in enumerate(islice(self._footage.heads(session), count)):
            yield see(session, number, heads)
