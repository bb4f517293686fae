"""What a model of clips is calibrated and judged with: clips cut from scenes, so that no clip has a cut inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import CALIBRATION, Feed, separate
from detlite.calibration.video.footage import Footage
from detlite.calibration.video.scenes import chosen_scenes, frames_of
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.contract import Contract
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.inputs import ImageInput
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.task import Heads

Cut = tuple[int, ...]
"""The numbers of the frames of a clip, counted from its scene's first."""


class ClipFootage:
    """The clips of one `Footage`.

    Attributes:
        count: the number of samples.
        unread: why each of the videos that were left out cannot be read.
        scenes: for each of them, the number of the scene that it was cut from.
    """

    def __init__(self, footage: Footage, clip: ClipInput, *, progress: Progress = silent) -> None:
        """Choose the scenes and the clips; errors as `StreamFootage`."""
        self._progress = progress
        self._scenes, self.unread = chosen_scenes(footage.paths, footage.count, footage.seed, progress=progress)
        few, more = divmod(footage.count, len(self._scenes))
        self._cuts = [clip_cuts(clip, scene.count, few + (place < more)) for place, scene in enumerate(self._scenes)]
        self.scenes = tuple(place for place, cuts in enumerate(self._cuts) for _cut in cuts)
        self.count = len(self.scenes)

    @property
    def clips(self) -> tuple[tuple[Path, Cut], ...]:
        """The video of each clip, and the numbers of its frames there, from 0."""
        return tuple(
            (scene.path, tuple(scene.begin + number for number in cut))
            for scene, cuts in zip(self._scenes, self._cuts, strict=True)
            for cut in cuts
        )

    def samples(self, file: TfliteFile, contract: Contract, step: str = CALIBRATION) -> Iterator[Feed]:
        """Yield the samples for the float model, whatever its *file* is."""
        del file
        for number, feed in enumerate(separate(self._tensors(contract.image)), 1):
            yield feed
            self._progress(step, number, self.count)

    def heads(self, session: Session, count: int | None = None) -> Iterator[tuple[int, Heads]]:
        """Yield the outputs of *session* for the first *count* clips, or for all; each is number 0."""
        for tensor in islice(self._tensors(session.contract.image), count):
            session.invoke(tensor)
            yield 0, session.heads()

    def _tensors(self, image: ImageInput) -> Iterator[NDArray[Any]]:
        """Yield the tensor of each clip; frames are in memory while a clip needs them."""
        at, kept, left = -1, dict[int, NDArray[Any]](), list[Cut]()
        for place, number, frame in frames_of(self._scenes):
            if place != at:
                at, kept, left = place, {}, list(self._cuts[place])
            if any(number in cut for cut in left):
                kept[number] = preprocess(frame.pixels(), image)
            while left and max(left[0]) <= number:
                yield np.stack([kept[one] for one in left.pop(0)], axis=1)
                kept = {one: tensor for one, tensor in kept.items() if any(one in cut for cut in left)}


def clip_cuts(clip: ClipInput, length: int, count: int) -> Sequence[Cut]:
    """Return at most *count* clips of a scene of *length* frames, evenly spaced; neighbours share at most a half."""
    if length <= clip.span:
        return [clip.cut(length)]
    free = length - clip.span
    used = min(count, 1 + 2 * free // clip.span)
    return [
        tuple(free * (2 * place + 1) // (2 * used) + one * clip.stride for one in range(clip.frames))
        for place in range(used)
    ]
