"""Frames of a scene, and the samples of a stream that runs over them with its states."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from detlite.calibration.models import Feed
from detlite.convert.model import Model
from detlite.runtime.arrays import Floats
from detlite.runtime.memory import Memory

FRAMES = 40


def frames(seed: int, count: int = FRAMES) -> list[Floats]:
    """*count* noisy frames of one scene, which *seed* chooses."""
    chance = np.random.default_rng(seed)
    scene = chance.uniform(0, 1, (1, 8, 8, 3))
    return [np.clip(scene + chance.normal(0, 0.2, scene.shape), 0, 1).astype(np.float32) for _ in range(count)]


def stream_of(model: Model, given: list[Floats]) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
    """Yield the states and all outputs of *model*, as stored, for each of the real frames *given*."""
    opened = model.file.interpreter()
    memory = Memory(model.contract.inputs[1:], opened)
    for frame in given:
        feed, values = opened.inputs[0], frame
        if feed["dtype"] == np.int8:
            scale, zero = feed["quantization"]
            values = np.clip(np.rint(frame / scale) + zero, -128, 127).astype(np.int8)
        opened.set_input(feed["index"], values)
        memory.feed(model.contract.image.fit())
        opened.invoke()
        yield memory.values(), [opened.output(one["index"]) for one in opened.outputs]
        memory.carry()


def samples_of(model: Model) -> Iterator[Feed]:
    """Yield the frames of two scenes with the states that *model* has there."""
    for scene in (1, 2):
        for frame, (states, _outputs) in zip(frames(scene), stream_of(model, frames(scene)), strict=True):
            yield Feed((frame, *states), scene)
