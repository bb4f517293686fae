"""A device of which each sample takes what it is told, by a clock that only that moves."""

from collections.abc import Sequence

import numpy as np

from detlite.runtime.clock import ScriptedClock
from detlite.runtime.load import Load
from detlite.runtime.measure.scenario import COLUMNS, Judged, Rows, scenario_called


def ms(value: float) -> int:
    """*value* milliseconds in nanoseconds."""
    return int(value * 1e6)


def load(**changes: int) -> Load:
    """Ten queries of four images, without limits of time, but for *changes*."""
    return Load(**{"queries": 10, "min_duration_ns": 0, "max_duration_ns": ms(1e6), "samples": 4, **changes})


def served(name: str, wanted: Load, takes_ms: Sequence[float]) -> Rows:
    """The samples of the scenario *name* on a device that takes *takes_ms* in turn."""
    clock = ScriptedClock()
    rows: list[tuple[int, ...]] = []

    def serve(query: int, sample: int, scheduled_ns: int) -> int:
        begin = clock.now_ns()
        clock.pass_ns(ms(takes_ms[len(rows) % len(takes_ms)]))
        end = clock.now_ns()
        rows.append((query, sample, scheduled_ns, begin, 0, end - begin, 0, end))
        return end

    scenario_called(name).run(wanted, clock, serve)
    return Rows(np.array(rows, np.int64).reshape(-1, len(COLUMNS)))


def judged(name: str, wanted: Load, rows: Rows) -> Judged:
    """What the scenario *name* says of *rows*: its figures, and what is missing for VALID."""
    return scenario_called(name).judge([rows], wanted)
