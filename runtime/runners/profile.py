"""The time of each operator of a model, and the differences between two such profiles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from detlite.runtime.plugins import load_plugin
from detlite.runtime.records import to_record
from detlite.runtime.runners.backend import BACKENDS, Settings, Timed

Record = Dict[str, Any]

RUNS, WARM_UPS = 50, 10
"""Number of profiled runs, and of warm-up runs before them."""


@dataclass(frozen=True)
class OperatorTime:
    """One operator in a profile.

    Attributes:
        number: its place in the order of running, from 0.
        operator: its type, as the back end calls it.
        occurrence: its number among those of its type, from 1.
        place: where it ran: a delegate, the interpreter, a provider.
        mean_ms: mean time of the middle half of many runs.
        share: its part of the sum over all operators, 0..1.
        size_bytes: size of the tensors that it reads and writes, including weights; None if unknown.
    """

    number: int
    operator: str
    occurrence: int
    place: str
    mean_ms: float
    share: float
    size_bytes: Optional[int] = None


@dataclass(frozen=True)
class OperatorChange:
    """The difference of one operator between two profiles; 0 ms in a profile that does not have it."""

    operator: str
    occurrence: int
    place: str
    before_ms: float
    after_ms: float
    difference_ms: float


def middle_mean(times: Sequence[int]) -> float:
    """Return the mean of the middle half of *times*: finer than whole microseconds, and free of disturbed runs."""
    quarter = len(times) // 4
    half = sorted(times)[quarter : len(times) - quarter]
    return sum(half) / len(half)


def operator_times(timed: Sequence[Timed]) -> Tuple[OperatorTime, ...]:
    """Return each operator with its number among those of its type (from 1) and its share of the sum."""
    total, seen = sum(one.mean_ms for one in timed) or 1.0, Counter[str]()
    found = []
    for number, one in enumerate(timed):
        seen[one.operator] += 1
        share = one.mean_ms / total
        found.append(
            OperatorTime(number, one.operator, seen[one.operator], one.place, one.mean_ms, share, one.size_bytes)
        )
    return tuple(found)


def profile_differences(before: Sequence[OperatorTime], after: Sequence[OperatorTime]) -> Tuple[OperatorChange, ...]:
    """Return how the operators differ, the largest difference first.

    Operators are the same if they have the same type and are the same one of that type, in the order of running.
    """
    ours, theirs = _by_name(before), _by_name(after)
    changes = []
    for key in {**ours, **theirs}:
        first, second = ours.get(key), theirs.get(key)
        one, other = (0.0 if found is None else found.mean_ms for found in (first, second))
        known = second or first
        assert known is not None
        changes.append(OperatorChange(*key, known.place, one, other, other - one))
    return tuple(sorted(changes, key=lambda change: -abs(change.difference_ms)))


def _by_name(times: Sequence[OperatorTime]) -> Dict[Tuple[str, int], OperatorTime]:
    return {(one.operator, one.occurrence): one for one in times}


def profile_process(request: Record, _progress: object) -> Record:
    """Profile `model` with the back end and the settings of *request*; return its `operators`."""
    settings = Settings(request["threads"], request["xnnpack"], tuple(request["delegates"]))
    backend = load_plugin(BACKENDS, request["backend"])
    return {"operators": to_record(operator_times(backend.profile(Path(request["model"]), settings)))}
