"""A model's answers in a video: one for each frame, or one for each window of frames that a model of clips takes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Iterable, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Pixels
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.session import Session
from detlite.runtime.task import Result
from detlite.runtime.tasks.classification import Ranking

if TYPE_CHECKING:
    from detlite.runtime.stream_inputs import ClipInput

TimedFrame = Tuple[Optional[float], Pixels]
"""When a frame is shown, in seconds, or None; and its pixels."""


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
    time_s: Optional[float]
    pixels: Pixels
    result: Optional[Result]
    first_frame: Optional[int] = None
    scene: Optional[int] = None


class VideoReader:
    """Runs a model over one video.

    A stream is begun anew, and again at each cut. The windows of a model that takes clips follow each other without a
    gap; the last one ends with the video and may overlap the one before. A video shorter than a window is repeated.

    Attributes:
        frames: the number of frames so far.
        answers: the number of answers so far.
        end: what a classifier says of the whole: the last answer, or the mean of the windows' scores.
    """

    def __init__(self, session: Session, *, is_cut: Optional[Callable[[Pixels], bool]] = None) -> None:
        """Run *session* over a video that is read next; *is_cut* tells the frames that begin a scene."""
        self._session, self._is_cut = session, is_cut
        self._scene = None if is_cut is None else 0
        self.frames = self.answers = 0
        self.end: Optional[Ranking] = None
        self._sum: Optional[Floats] = None

    def answers_in(self, frames: Iterable[TimedFrame]) -> Iterator[VideoAnswer]:
        """Yield what the model says in *frames*: one answer for each, with a result or without one."""
        self._session.reset()
        first = self._session.contract.inputs[0]
        clip = first if first.kind == "clip" and first.frames > 1 else None
        for one in self._steps(frames) if clip is None else self._windows(frames, clip):
            self.frames = one.frame + 1
            if one.result is not None:
                self.answers += 1
                self._keep(one.result, mean=clip is not None)
            yield one

    def _steps(self, frames: Iterable[TimedFrame]) -> Iterator[VideoAnswer]:
        for number, (time_s, pixels) in enumerate(frames):
            if self._is_cut is not None and self._scene is not None and self._is_cut(pixels):
                self._scene += 1
                self._session.reset()
            yield VideoAnswer(number, time_s, pixels, self._session.step(pixels), scene=self._scene)

    def _windows(self, frames: Iterable[TimedFrame], clip: ClipInput) -> Iterator[VideoAnswer]:
        length = clip.frames * clip.stride
        kept: Deque[NDArray[Any]] = deque(maxlen=length)
        waiting: Optional[VideoAnswer] = None
        for number, (time_s, pixels) in enumerate(frames):
            if waiting is not None:
                yield waiting
            kept.append(preprocess(pixels, clip.image))
            waiting = VideoAnswer(number, time_s, pixels, None)
            if (number + 1) % length == 0:
                yield self._window(waiting, list(kept), clip)
                waiting = None
        if waiting is not None:
            yield self._window(waiting, list(kept), clip)

    def _window(self, last: VideoAnswer, frames: List[NDArray[Any]], clip: ClipInput) -> VideoAnswer:
        chosen = [frames[index] for index in clip.cut(len(frames))]
        result = self._session.run_prepared(chosen, (last.pixels.shape[0], last.pixels.shape[1]))
        return last._replace(result=result, first_frame=last.frame + 1 - len(frames))

    def _keep(self, result: Result, *, mean: bool) -> None:
        if not isinstance(result, Ranking):
            return
        if not mean:
            self.end = result
            return
        self._sum = result.scores if self._sum is None else self._sum + result.scores
        self.end = Ranking((self._sum / np.float32(self.answers)).astype(np.float32), result.labels)
