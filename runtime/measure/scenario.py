"""The interface of a scenario: when queries are issued, which latency limits hold, and what is quoted.

Defined by MLPerf Inference v1.0 (inference_rules.adoc of mlcommons/inference); the four are in `scenarios/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.clock import Clock
from detlite.runtime.errors import unknown_name
from detlite.runtime.load import Load
from detlite.runtime.measure.loadgen_random import sample_order
from detlite.runtime.measure.presets import SAMPLE_SEED
from detlite.runtime.measure.statistics import Times
from detlite.runtime.plugins import load_plugin, plugin_names

SCENARIOS = "detlite.runtime.measure.scenarios"
COLUMNS = ("query", "sample", "scheduled_ns", "begin_ns", "input_ns", "invoke_ns", "postprocess_ns", "end_ns")
"""Columns of a sample: its query, its image, when the query was due and started, the time of each stage, its end."""

Serve = Callable[[int, int, int], int]
"""`serve(query, sample, scheduled_ns)`: run one sample, record it, and return when it ended."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The samples of one process by column: int64 (n,), ns from the first query; see `COLUMNS`."""

    columns: NDArray[np.int64]

    def __getattr__(self, name: str) -> Times:
        """Return the column *name*."""
        if name not in COLUMNS:
            raise AttributeError(name)
        column: Times = self.columns[:, COLUMNS.index(name)]
        return column

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def latency_ns(self) -> Times:
        """Time from when each sample's query was due to its end."""
        latency: Times = self.end_ns - self.scheduled_ns
        return latency

    @property
    def duration_ns(self) -> int:
        """Time from the first query to the last end."""
        return int(self.end_ns.max() - self.scheduled_ns.min()) if len(self) else 0

    @property
    def queries(self) -> int:
        """Number of queries."""
        return len(np.unique(self.query))

    @property
    def query_latency_ns(self) -> Times:
        """Time from when each query was due to the end of its last sample."""
        if not len(self):
            return self.end_ns
        starts = np.flatnonzero(np.diff(self.query, prepend=-1))
        latency: Times = np.maximum.reduceat(self.end_ns, starts) - self.scheduled_ns[starts]
        return latency

    def after(self, count: int) -> Rows:
        """Return the rows without the first *count*."""
        return Rows(self.columns[count:])


class Order:
    """The image of each query, from LoadGen's random numbers; unlimited."""

    def __init__(self, samples: int, *, seed: int = SAMPLE_SEED, skipped: Optional[int] = None) -> None:
        """Draw from *samples* images."""
        self._samples, self._seed, self._skipped = samples, seed, skipped
        self._drawn = self._draw(1024)

    def _draw(self, count: int) -> List[int]:
        drawn: List[int] = sample_order(self._seed, self._samples, count, skipped=self._skipped).tolist()
        return drawn

    def __getitem__(self, query: int) -> int:
        """Return the image of that query."""
        while query >= len(self._drawn):
            self._drawn = self._draw(2 * len(self._drawn))
        return self._drawn[query]


@dataclass(frozen=True)
class Judged:
    """A scenario's judgement of a run's samples.

    Attributes:
        value: the quoted value, in the metric's unit.
        figures: further figures by name; each name ends in its unit.
        missing: what the run lacks to be VALID, one sentence each.
    """

    value: float
    figures: Mapping[str, float] = field(default_factory=dict)
    missing: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Attributes:
        title: MLPerf's name.
        percent: the percentile of `counted` that is quoted.
        metric: the name of the quoted figure, ending in its unit.
        run: issues the queries by the clock, and serves each sample.
        judge: returns the judgement of the rows of all processes.
        of_queries: whether latencies are of whole queries, not of samples.
        has_warm_up: whether its first samples may be warm-up: their latencies do not depend on a schedule.
    """

    title: str
    percent: float
    metric: str
    run: Callable[[Load, Clock, Serve], None]
    judge: Callable[[Sequence[Rows], Load], Judged]
    of_queries: bool = False
    has_warm_up: bool = False

    def latency_ns(self, rows: Rows) -> Times:
        """Return the latencies that count."""
        return rows.query_latency_ns if self.of_queries else rows.latency_ns


def scenario_called(name: str) -> Scenario:
    """Return the scenario of that *name*, written as `single-stream`.

    Raises:
        UnknownNameError: there is no such scenario.
    """
    names = {file.replace("_", "-"): file for file in plugin_names(SCENARIOS)}
    if name not in names:
        raise unknown_name("scenario", name, names)
    found: Scenario = load_plugin(SCENARIOS, names[name])
    return found
