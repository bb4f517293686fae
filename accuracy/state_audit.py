"""What the states of a stream do over a real video: whether they move at all, and whether they reach their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detlite.accuracy.video import open_video
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.stream_states import SUM, StateScales, states_of
from detlite.runtime.arrays import Bools, Doubles
from detlite.runtime.artifact import Artifact
from detlite.runtime.child import run_in_child
from detlite.runtime.contract import contract_from_json
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import from_record, to_record
from detlite.runtime.session import Session
from detlite.runtime.tasks.classification import Ranking

MANY_STILL, MANY_FULL = 0.5, 0.05
"""Shares of a sum's elements from which on they are a finding: that do not move at a frame, or are at their end."""

FLAT = 0.6  # of the largest spread of the logits: less at the end is a finding
SETTLED = 20  # frames

Record = dict[str, Any]


@dataclass(frozen=True)
class SeenSum:
    """What a sum did over a video.

    Attributes:
        name: of the state.
        still: the share of its elements that a frame leaves as they were, on average.
        full: the share that is at the end of its range after the last frame; None if it is not quantized.
    """

    name: str
    still: float
    full: float | None


@dataclass(frozen=True)
class StateAudit:
    """What a stream did over a video.

    Attributes:
        video: its path.
        frames: how many were read.
        sums: of the sums among its states.
        widest_spread: the largest standard deviation of the logits of a frame, from frame 20 on.
        last_spread: the same at the last frame.
    """

    video: str
    frames: int
    sums: tuple[SeenSum, ...]
    widest_spread: float
    last_spread: float

    @property
    def findings(self) -> tuple[str, ...]:
        """Return what is wrong, one sentence each."""
        found, name = [], Path(self.video).name
        still = [one for one in self.sums if one.still >= MANY_STILL]
        if still:
            found.append(
                f"over the {counted(self.frames, 'frame')} of {name}, {_percents([one.still for one in still])} of the "
                f"elements of {counted(len(still), 'sum')} do not move at a frame; most in "
                f"{max(still, key=lambda one: one.still).name}"
            )
        full = [one.full for one in self.sums if one.full is not None and one.full >= MANY_FULL]
        if full:
            found.append(
                f"after the last frame {_percents(full)} of the elements of {counted(len(full), 'sum')} are at the end "
                "of their range"
            )
        if self.frames > SETTLED and self.last_spread < FLAT * self.widest_spread:
            found.append(
                f"the standard deviation of the logits falls to {self.last_spread:.2f} at the last frame, from up to "
                f"{self.widest_spread:.2f}"
            )
        return tuple(found)


def _percents(shares: Sequence[float]) -> str:
    low, high = round(100 * min(shares)), round(100 * max(shares))
    return f"{low} %" if low == high else f"{low} to {high} %"


def audit_states(artifact: Artifact, video: Path, *, progress: Progress = silent) -> StateAudit:
    """Run the stream *artifact* over *video*, in a process of its own, and return what its states did.

    Raises:
        InputError: it is no stream in a .tflite that classifies, or the video cannot be read.
        DeviceError: the interpreter crashed.
    """
    if not artifact.contract.is_stream or artifact.format != "tflite":
        raise InputError("--video needs a stream, a .tflite with states: the states of others are not looked at")
    request = {"model": str(artifact.model), "contract": artifact.contract.to_json(), "video": str(video)}
    return from_record(StateAudit, run_in_child("detlite.accuracy.state_audit:audit", request, progress=progress))


def audit(request: Record, progress: Progress) -> Record:
    """Run `model` with `contract` over `video`; see `StateAudit`."""
    artifact = Artifact(Path(request["model"]), contract_from_json(request["contract"]))
    file = TfliteFile(artifact.model.read_bytes(), str(artifact.model))
    watched = [_Watched(one) for one in states_of(file.model, file.subgraph, artifact.contract) if one.kind == SUM]
    session, spreads = Session(artifact), []
    with open_video(Path(request["video"])) as video:
        for number, frame in enumerate(video.frames, 1):
            found = session.step(frame.pixels())
            if not isinstance(found, Ranking):
                raise InputError("--video needs a classifier")
            spreads.append(float(np.std(found.scores if found.logits is None else found.logits)))
            states = session.states()
            for one in watched:
                one.see(states[one.scales.name].astype(np.float64))
            progress("frames", number, 0)
    sums = tuple(one.seen() for one in watched)
    settled = spreads[SETTLED:] or spreads
    made = StateAudit(request["video"], len(spreads), sums, max(settled), spreads[-1])
    known: Record = to_record(made)
    return known


class _Watched:
    """One sum while a video is run."""

    def __init__(self, scales: StateScales) -> None:
        self.scales = scales
        self._last: Doubles | None = None
        self._still: list[float] = []

    def see(self, values: Doubles) -> None:
        if self._last is not None:
            self._still.append(float((values == self._last).mean()))
        self._last = values

    def seen(self) -> SeenSum:
        still = float(np.mean(self._still)) if self._still else 0.0
        out = self.scales.out
        if out is None or self._last is None:
            return SeenSum(self.scales.name, still, None)
        real = self._last if self.scales.dtype == "float32" else (self._last - out.zero_point) * out.scale
        is_full: Bools = real >= out.high - out.scale / 2
        return SeenSum(self.scales.name, still, float(is_full.mean()))
