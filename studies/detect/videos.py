"""A model's answers in a video: one for each frame, or one for each window of frames that a model of clips takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detlite.accuracy.scenes import SceneCuts
from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.session import Session
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.task import Result
from detlite.runtime.tasks.classification import Ranking

if TYPE_CHECKING:
    from detlite.accuracy.video import Frame


class VideoAnswer(NamedTuple):
    """What a model says at one frame.

    Attributes:
        frame: the number of the frame, from 0.
        time_s: when it is shown; None if the video does not say.
        pixels: of the frame.
        result: what the model says; None while the frames of a window are gathered.
        first_frame: of a window, the number of its first frame.
        scene: the number of the scene, from 0; None if scenes are not looked for.
    """

    frame: int
    time_s: float | None
    pixels: Pixels
    result: Result | None
    first_frame: int | None = None
    scene: int | None = None


class VideoReader:
    """Runs a model over one video.

    A stream is begun anew, and again at each scene if *scenes* is set. The windows of a model that takes clips follow
    each other without a gap; the last one ends with the video and may overlap the one before. A video shorter than a
    window is repeated.

    Attributes:
        frames: the number of frames so far.
        answers: the number of answers so far.
        end: what a classifier says of the whole: the last answer, or the mean of the windows' scores.
    """

    def __init__(self, session: Session, *, scenes: bool = False) -> None:
        """Run *session* over a video that is read next."""
        self._session, self._cuts = session, SceneCuts() if scenes else None
        self._scene = 0 if scenes else None
        self.frames = self.answers = 0
        self.end: Ranking | None = None
        self._sum: Floats | None = None

    def answers_in(self, frames: Iterator[Frame]) -> Iterator[VideoAnswer]:
        """Yield what the model says in *frames*: a line for each, with a result or without one."""
        self._session.reset()
        first = self._session.contract.inputs[0]
        windowed = first.kind == "clip" and first.frames > 1
        answers = self._windows(frames, first) if windowed else self._steps(frames)  # type: ignore[arg-type]
        for one in answers:
            self.frames = one.frame + 1
            if one.result is not None:
                self.answers += 1
                self._keep(one.result, mean=windowed)
            yield one

    def _steps(self, frames: Iterator[Frame]) -> Iterator[VideoAnswer]:
        for number, frame in enumerate(frames):
            pixels = frame.pixels()
            if self._cuts is not None and self._scene is not None and self._cuts.is_cut(pixels):
                self._scene += 1
                self._session.reset()
            yield VideoAnswer(number, frame.time_s, pixels, self._session.step(pixels), scene=self._scene)

    def _windows(self, frames: Iterator[Frame], clip: ClipInput) -> Iterator[VideoAnswer]:
        length = clip.frames * clip.stride
        kept: deque[Floats] = deque(maxlen=length)
        waiting: VideoAnswer | None = None
        for number, frame in enumerate(frames):
            if waiting is not None:
                yield waiting
            pixels = frame.pixels()
            kept.append(preprocess(pixels, clip.image))
            waiting = VideoAnswer(number, frame.time_s, pixels, None)
            if (number + 1) % length == 0:
                yield self._window(waiting, list(kept), clip)
                waiting = None
        if waiting is not None:
            yield self._window(waiting, list(kept), clip)

    def _window(self, last: VideoAnswer, frames: list[Floats], clip: ClipInput) -> VideoAnswer:
        chosen = [frames[index] for index in clip.cut(len(frames))]
        size = (last.pixels.shape[0], last.pixels.shape[1])
        return last._replace(result=self._session.run_prepared(chosen, size), first_frame=last.frame + 1 - len(frames))

    def _keep(self, result: Result, *, mean: bool) -> None:
        if not isinstance(result, Ranking):
            return
        if not mean:
            self.end = result
            return
        self._sum = result.scores if self._sum is None else self._sum + result.scores
        self.end = Ranking((self._sum / np.float32(self.answers)).astype(np.float32), result.labels)
