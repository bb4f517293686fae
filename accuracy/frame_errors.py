"""How the error of a stream's raw outputs grows over its frames: signal over noise since the stream began."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.records import Record
from detlite.runtime.task import Heads

MARKS = (1, 20, 100)
"""The frames, from 1, that are reported besides the last: one without memory, one with full buffers, a steady one."""

AROUND = 0.2
"""Frames within this share of a mark count with it: a single frame's error is one draw."""

SILENT = 1e-30  # a lower power counts as zero


@dataclass(frozen=True)
class MarkError:
    """The error around one frame.

    Attributes:
        frame: its number since the stream began, from 1.
        db: signal over noise, where the signal is the variance over the classes.
    """

    frame: int
    db: float


@dataclass(frozen=True, eq=False)
class FrameErrors:
    """The error of each frame of a few streams.

    Attributes:
        numbers: int64 (frames,), of each frame since its stream began, from 0.
        signal: float64 (frames,), the sum of the squared differences of the reference's outputs from their mean.
        noise: float64 (frames,), the sum of the squared differences from the reference.
    """

    numbers: NDArray[np.int64]
    signal: Doubles
    noise: Doubles

    @property
    def db(self) -> float:
        """Signal over noise of all frames, in dB."""
        return self._db(np.ones(len(self.numbers), bool))

    def marks(self) -> tuple[MarkError, ...]:
        """Return the error at each of `MARKS`, and at the end of the longest stream."""
        last = int(self.numbers.max()) + 1
        found = []
        for mark in (*(one for one in MARKS if one < last), last):
            near = [is_near(int(number), mark) for number in self.numbers]
            found.append(MarkError(mark, self._db(np.array(near))))
        return tuple(found)

    def to_record(self) -> list[Record]:
        """Return `marks` as JSON carries them, to two digits."""
        return [{"frame": one.frame, "db": round(one.db, 2)} for one in self.marks()]

    def _db(self, chosen: NDArray[np.bool_]) -> float:
        return float(10 * np.log10(max(self.signal[chosen].sum(), SILENT) / max(self.noise[chosen].sum(), SILENT)))


def is_near(number: int, mark: int) -> bool:
    """Return whether the frame *number*, from 0, counts with the frame *mark*, from 1."""
    return abs(number + 1 - mark) <= AROUND * mark


def frame_errors(numbers: Iterable[int], pairs: Iterable[tuple[Heads, Heads]]) -> FrameErrors:
    """Return the error of frames with these *numbers*, of whose outputs *pairs* has the reference's and a model's."""
    signal, noise = [], []
    for wanted, got in pairs:
        want, found = _flat(wanted), _flat(got)
        signal.append(float(np.square(want - want.mean()).sum()))
        noise.append(float(np.square(found - want).sum()))
    return FrameErrors(np.array(list(numbers), np.int64), np.array(signal), np.array(noise))


def _flat(heads: Heads) -> Doubles:
    parts: list[Floats] = [heads[role].ravel() for role in sorted(heads)]
    return np.concatenate(parts).astype(np.float64)
