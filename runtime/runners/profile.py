"""What each operator of a model takes, and how two such profiles differ."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from detlite.runtime.plugins import load_plugin
from detlite.runtime.runners.backend import BACKENDS, Settings, Timed

Record = Dict[str, Any]

RUNS, WARM_UPS = 50, 10
"""That a profile rests on, and those before."""


def middle_mean(times: Sequence[int]) -> float:
    """Return the mean of the middle half of *times*: finer than whole microseconds, and without disturbed runs."""
    quarter = len(times) // 4
    half = sorted(times)[quarter : len(times) - quarter]
    return sum(half) / len(half)


def profile_records(timed: Sequence[Timed]) -> List[Record]:
    """Return each operator with its number among those of its name (from 1) and its share of the sum."""
    total, seen = sum(one.mean_ms for one in timed) or 1.0, Counter[str]()
    records = []
    for number, one in enumerate(timed):
        seen[one.operator] += 1
        name = {"number": number, "operator": one.operator, "occurrence": seen[one.operator], "place": one.place}
        records.append({**name, "mean_ms": one.mean_ms, "share": one.mean_ms / total, "size_bytes": one.size_bytes})
    return records


def profile_differences(before: Sequence[Record], after: Sequence[Record]) -> List[Record]:
    """Return how the operators differ, the largest difference first; 0 ms where a profile does not have one.

    Operators are the same that have the same name and are the same one of that name, in the order of running.
    """
    ours, theirs = _by_name(before), _by_name(after)
    records = []
    for key in {**ours, **theirs}:
        first, second = ours.get(key), theirs.get(key)
        one, other = (0.0 if record is None else float(record["mean_ms"]) for record in (first, second))
        known = second or first or {}
        records.append(
            {
                "operator": key[0],
                "occurrence": key[1],
                "place": known.get("place"),
                "before_ms": one,
                "after_ms": other,
                "difference_ms": other - one,
            }
        )
    return sorted(records, key=lambda record: -abs(record["difference_ms"]))


def _by_name(records: Sequence[Record]) -> Dict[Tuple[str, int], Record]:
    return {(record["operator"], record["occurrence"]): record for record in records}


def profile_process(request: Record, _progress: object) -> Record:
    """Profile `model` with the back end and the settings of *request*; return its `operators`."""
    settings = Settings(request["threads"], request["xnnpack"], tuple(request["delegates"]))
    backend = load_plugin(BACKENDS, request["backend"])
    return {"operators": profile_records(backend.profile(Path(request["model"]), settings))}
