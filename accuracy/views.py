"""Which parts of a video a model is scored on: clips along its time, crops along its longer side.

As TF-Vision evaluates: one clip in the middle, or several whose beginnings are spread evenly; a video that is shorter
than a clip begins again at its end; one crop in the middle, or three along the longer side. Scores are averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Pixels
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.image.preprocess import preprocess

LEFT, MIDDLE, RIGHT = 0, 1, 2
"""Where a crop is along the longer side."""

MOST_CLIPS, MOST_FRAMES = 100, 10_000

Prepared = NDArray[Any]
Indices = tuple[int, ...]


class Clip(NamedTuple):
    """How a clip is taken: *frames*, *stride* frames of the video apart."""

    frames: int
    stride: int


@dataclass(frozen=True)
class Views:
    """The views of each video.

    Attributes:
        clips: how many along the time.
        crops: 1 or 3 along the longer side.
        frames: of a clip; None: what the model takes, and for a stream the whole video.
        stride: frames of the video from one of a clip to the next; None: the contract's, or 1.
    """

    clips: int = 1
    crops: int = 1
    frames: int | None = None
    stride: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.clips <= MOST_CLIPS or self.crops not in (1, 3):
            raise InputError(
                f"{counted(self.clips, 'clip')} of {counted(self.crops, 'crop')}: want 1 to {MOST_CLIPS} clips, of 1 "
                "or 3 crops"
            )
        if not all(number is None or 1 <= number <= MOST_FRAMES for number in (self.frames, self.stride)):
            raise InputError(f"clips of {self.frames} frames, {self.stride} apart: want 1 to {MOST_FRAMES}")

    @property
    def places(self) -> tuple[int, ...]:
        """Where the crops are."""
        return (MIDDLE,) if self.crops == 1 else (LEFT, MIDDLE, RIGHT)

    def clip_for(self, contract: Contract) -> Clip | None:
        """Return the clips that a model with *contract* is given; None for a stream that sees whole videos.

        Raises:
            InputError: the model takes single images, clips of another length, or no clips at all.
        """
        first = contract.inputs[0]
        if first.kind == "clip" and not contract.is_stream:
            if self.frames not in (None, first.frames):
                raise InputError(
                    f"clips of {counted(self.frames, 'frame')}, and the model takes {first.frames}: leave that out"
                )
            return Clip(first.frames, self.stride or first.stride)
        if not contract.is_stream:
            raise InputError("the model takes single images: videos score models of clips, and streams with states")
        if self.frames is not None:
            return Clip(self.frames, self.stride or 1)
        if self.clips > 1 or self.stride is not None:
            raise InputError("a stream sees the whole video: give --clip-frames for clips of it")
        return None

    def cut(self, count: int, clip: Clip) -> tuple[Indices, ...]:
        """Return the indices of the frames of each *clip* in a video of *count* frames."""
        last = max(0, count - clip.frames * clip.stride)
        begins = [last // 2] if self.clips == 1 else np.linspace(0, last, self.clips).astype(int).tolist()
        return tuple(tuple((begin + i * clip.stride) % count for i in range(clip.frames)) for begin in begins)


WHOLE = Views()
"""The whole video of a stream; the clip in the middle for other models."""


def prepared(image: Pixels, contract: Contract, place: int) -> Prepared:
    """Return *image*, uint8 (height, width, 3), as the contract's input frame, cropped at *place*."""
    if place == MIDDLE:
        return preprocess(image, contract.image)
    square = square_of(image, contract.image.crop or 1.0, place)
    return preprocess(square, replace(contract.image, crop=None))


def square_of(image: Pixels, share: float, place: int) -> Pixels:
    """Return the square of *image* whose side is *share* of the shorter one, at *place* along the longer side."""
    sides = np.array(image.shape[:2], np.float32)
    side = np.float32(share) * sides.min()
    begins = (sides - side) / np.float32(2)
    begins[int(sides.argmax())] *= place
    top, left = begins.astype(int).tolist()
    whole = max(1, int(side))
    return image[top : top + whole, left : left + whole]


def clips_of(frames: Iterable[Prepared], clips: tuple[Indices, ...]) -> Iterator[list[Prepared]]:
    """Yield the frames of each of *clips*, as soon as its last one has come.

    Only frames that a clip still waits for are kept: their number does not grow with the video.

    Raises:
        InputError: there are fewer frames than the indices say.
    """
    waiting = list(clips)
    kept: dict[int, Prepared] = {}
    wanted = {index for clip in waiting for index in clip}
    for number, frame in enumerate(frames):
        if number not in wanted:
            continue
        kept[number] = frame
        while waiting and max(waiting[0]) <= number:
            clip = waiting.pop(0)
            yield [kept[index] for index in clip]
            wanted = {index for other in waiting for index in other}
            kept = {index: one for index, one in kept.items() if index in wanted}
        if not waiting:
            return
    raise InputError("the video has fewer frames than when it was read before")
