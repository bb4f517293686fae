"""What a stream is calibrated and judged with: scenes, run frame by frame from their begin, with the states carried.

A sample is a frame with the states that the float model has there. A scene's first frame is one, and the others are
closer together at its begin, where states change most.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from detlite.calibration.models import CALIBRATION, Feed
from detlite.calibration.video.footage import Footage
from detlite.calibration.video.scenes import LONGEST, chosen_scenes, frames_of
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.contract import Contract
from detlite.runtime.memory import Memory
from detlite.runtime.progress import Progress, silent
from detlite.runtime.session import Session, input_of
from detlite.runtime.task import Heads

SCENE_SAMPLES = 9
"""Samples for each scene: with more, few scenes set the ranges; with fewer, the steady state is missed."""

JUDGED_SCENES = 2
"""Scenes that the error is measured on: the longest, with all frames of each."""


class StreamFootage:
    """The frames of one `Footage` for a model with states.

    Attributes:
        count: the number of samples.
        unread: why each of the videos that were left out cannot be read.
    """

    def __init__(self, footage: Footage, *, progress: Progress = silent) -> None:
        """Choose the scenes and the frames.

        Raises:
            InputError: no video can be read.
            MissingToolError: PyAV is not installed.
        """
        self._progress = progress
        most = max(1, footage.count // SCENE_SAMPLES)
        self._scenes, self.unread = chosen_scenes(footage.paths, most, footage.seed, progress=progress)
        few, more = divmod(footage.count, len(self._scenes))
        self._numbers = [
            sampled_frames(scene.count, few + (place < more), footage.seed + place)
            for place, scene in enumerate(self._scenes)
        ]
        self.count = sum(map(len, self._numbers))

    def samples(self, file: TfliteFile, contract: Contract, step: str = CALIBRATION) -> Iterator[Feed]:
        """Yield the samples for the float model *file*, whose states *contract* describes."""
        opened = file.interpreter()
        memory = Memory(contract.inputs[1:], opened)
        run = [replace(scene, count=used[-1] + 1) for scene, used in zip(self._scenes, self._numbers, strict=True)]
        done = 0
        for place, number, frame in frames_of(run):
            if number == 0:
                memory.reset()
            tensor = input_of(frame.pixels(), contract)
            if number in self._numbers[place]:
                yield Feed((tensor, *memory.values()), place)
                done += 1
                self._progress(step, done, self.count)
            opened.set_input(opened.inputs[0]["index"], tensor)
            memory.feed(contract.image.fit())
            opened.invoke()
            memory.carry()

    def heads(self, session: Session, count: int | None = None) -> Iterator[tuple[int, Heads]]:
        """Yield the outputs of *session* for each frame that a model is judged on, after its number in its scene.

        All frames of the longest scenes are used, whatever *count* is.
        """
        del count
        longest = sorted(range(len(self._scenes)), key=lambda place: -self._scenes[place].count)[:JUDGED_SCENES]
        judged = [self._scenes[place] for place in sorted(longest)]
        for _place, number, frame in frames_of([replace(one, count=min(one.count, LONGEST)) for one in judged]):
            if number == 0:
                session.reset()
            session.step(frame.pixels())
            yield number, session.heads()


def sampled_frames(length: int, count: int, seed: int) -> Sequence[int]:
    """Return *count* frames of a scene of *length*, in order: the first, and others that get farther apart."""
    most = min(length, LONGEST)
    # S311: a seeded choice must be repeatable, and need not be secret
    chance = random.Random(seed)  # noqa: S311
    found = {0, *(int(((place + chance.random()) / count) ** 2 * most) for place in range(1, count))}
    unused = (number for number in range(most) if number not in found)
    missing = min(count, most) - len(found)
    return sorted([*found, *(number for number, _one in zip(unused, range(missing), strict=False))])
