"""Videos as they are given: for a model that takes clips, or carries states from frame to frame."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.artifact import sha256_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import StateInput


def takes_video(contract: Contract) -> bool:
    """Return whether a model with *contract* takes clips, or carries states from frame to frame."""
    return any(one.kind in ("clip", "state") for one in contract.inputs)


def states_of(contract: Contract) -> tuple[StateInput, ...]:
    """Return the states that a model with *contract* carries, in its order."""
    return tuple(one for one in contract.inputs if isinstance(one, StateInput))


@dataclass(frozen=True)
class Footage:
    """Videos, and how much of them is wanted.

    Attributes:
        paths: of the videos, in a fixed order.
        count: number of samples: of clips, or of a stream's frames.
        seed: seed of the choice of scenes and frames.
        origin: what they were given as, for the history.
    """

    paths: tuple[Path, ...]
    count: int
    seed: int = 0
    origin: str = ""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"{counted(self.count, 'sample is', 'samples are')} requested; at least 1 is needed")
        if not self.paths:
            raise InputError("there are no videos to calibrate with")

    def digest(self) -> str:
        """Return the sha256 over the videos' contents and the choice's settings; names play no part."""
        facts = [sha256_of(path) for path in self.paths], self.count, self.seed
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
