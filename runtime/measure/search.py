"""The highest load a device sustains: streams of MultiStream or queries per second of Server, as MLPerf quotes them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional

from detlite.runtime.errors import DeviceError, FindingError, InputError
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.run_folder import PROTOCOL, read_json
from detlite.runtime.progress import Progress, silent

FIELDS = {"multi-stream": "streams", "server": "per_second"}
QUERIES = {"multi-stream": 60, "server": 300}
"""Queries per trial: 3 s of MultiStream, and as many as p99 needs for Server."""

MOST_STREAMS = 65_536
AT_ONCE = 1e6  # queries per second: more than any device answers, so that the rate it reaches is its capacity
LEAST_SHARE = 1 / 16  # of the capacity: lower rates are not tried
CLOSE = 1.05  # lowest failing rate over highest passing rate, at which the search ends

Trial = Callable[[float], Measurement]


def with_most(setup: Setup, *, run: Optional[Path] = None, progress: Progress = silent) -> Setup:
    """Return *setup* with the most streams, or queries per second, at which short trials stay within the tail limit.

    A run that was started in the folder *run* keeps its number.

    Raises:
        InputError: the scenario has no such number.
        FindingError: the device cannot sustain any load.
        DeviceError: a trial failed.
    """
    field = FIELDS.get(setup.scenario)
    if field is None:
        raise InputError(f"--find works with multi-stream and server, not with {setup.scenario}")
    begun = None if run is None else (read_json(run / PROTOCOL) or {}).get(field)
    trials = itertools.count(1)

    def trial(**changes: Any) -> Measurement:
        progress("trials", next(trials), 0)
        return _trial(setup, **changes)

    known = float(begun) if isinstance(begun, (int, float)) and begun > 0 else None
    if field == "streams":
        streams = most_streams(lambda value: trial(streams=int(value))) if known is None else known
        return replace(setup, streams=int(streams))
    rate = most_queries(lambda value: trial(per_second=value)) if known is None else known
    return replace(setup, per_second=rate)


def _trial(setup: Setup, **changes: Any) -> Measurement:
    queries = {**setup.preset.queries, setup.scenario: QUERIES[setup.scenario]}
    preset = replace(setup.preset, processes=1, queries=queries, min_duration_s=0.0)
    found = measure_model(replace(setup, preset=preset, accuracy=False, profile=False, **changes))
    if found.failure is not None:
        raise DeviceError(f"a trial with {changes} failed: {found.failure.text}")
    return found


def _keeps(found: Measurement) -> bool:
    return not any(reason.startswith("tail") for reason in found.reasons)


def most_streams(trial: Trial) -> int:
    """Return the highest number of streams whose *trial* stays within the limit, by doubling and bisection.

    Raises:
        FindingError: not even one stream does.
    """
    low, high = 0, 1
    while high <= MOST_STREAMS and _keeps(trial(high)):
        low, high = high, 2 * high
    if low == 0:
        raise FindingError("this device cannot keep the interval with even one stream")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _keeps(trial(middle)) else (low, middle)
    return low


def most_queries(trial: Trial) -> float:
    """Return the highest rate, within `CLOSE`, whose *trial* stays within the limit; it is below the capacity.

    Raises:
        FindingError: not even `LEAST_SHARE` of the capacity does.
    """
    busy = trial(AT_ONCE)
    high = busy.samples / max(1e-9, busy.duration_s)
    low = LEAST_SHARE * high
    if not _keeps(trial(low)):
        raise FindingError(f"not even {low:.3g} queries per second, a sixteenth of the capacity, stay within the limit")
    while high / low > CLOSE:
        middle = float((low * high) ** 0.5)
        low, high = (middle, high) if _keeps(trial(middle)) else (low, middle)
    return low
