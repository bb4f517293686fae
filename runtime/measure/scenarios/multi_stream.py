"""MultiStream as in v1.0: N samples every interval; an interval is skipped while the query before still runs."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from detlite.runtime.clock import Clock
from detlite.runtime.counts import counted
from detlite.runtime.load import Load
from detlite.runtime.measure.scenario import Judged, Order, Rows, Scenario, Serve
from detlite.runtime.measure.statistics import percentile_ns

PERCENT = 99.0
MOST_LATE = 0.01  # of the queries may make the next interval be skipped


def _run(load: Load, clock: Clock, serve: Serve) -> None:
    # LoadGen's unused shuffle is of as many entries as there are groups of N samples
    order = Order(load.samples, skipped=-(-load.samples // load.streams) // 2)
    begin = end = clock.now_ns()
    query = tick = 0
    while query < load.queries or end - begin < load.min_duration_ns:
        due = begin + tick * load.interval_ns
        if due - begin > load.max_duration_ns:
            return
        clock.wait_until_ns(due)
        first = order[query]
        for i in range(load.streams):
            end = serve(query, (first + i) % load.samples, due)
        tick = max(tick + 1, -(-(end - begin) // load.interval_ns))
        query += 1


def skipped_intervals(rows: Rows, load: Load) -> int:
    """Return how many queries made at least one interval be skipped: those that took over one interval."""
    return int((rows.query_latency_ns > load.interval_ns).sum())


def _judge(series: Sequence[Rows], load: Load) -> Judged:
    latencies = np.concatenate([rows.query_latency_ns for rows in series])
    late, p99 = sum(skipped_intervals(rows, load) for rows in series), percentile_ns(latencies, PERCENT)
    figures = {
        "streams": load.streams,
        "interval_ms": load.interval_ns / 1e6,
        "query_latency_p99_ms": p99 / 1e6,
        "late_queries": late,
        "late_share": late / len(latencies),
    }
    missing = []
    if p99 > load.interval_ns:
        missing.append(
            f"tail: p99 of the queries is {p99 / 1e6:.3f} ms, over the interval of {load.interval_ns / 1e6:g}"
        )
    if late > MOST_LATE * len(latencies):
        missing.append(f"tail: {late} of {counted(len(latencies), 'query')} made an interval be skipped; 1 % may")
    return Judged(load.streams, figures, tuple(missing))


PLUGIN = Scenario(title="MultiStream", percent=PERCENT, metric="streams", run=_run, judge=_judge, of_queries=True)
