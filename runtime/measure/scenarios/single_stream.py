"""SingleStream: the next query when the one before is answered; its 90th percentile latency is quoted."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

from detlite.runtime.clock import Clock
from detlite.runtime.load import Load
from detlite.runtime.measure.scenario import Judged, Order, Rows, Scenario, Serve
from detlite.runtime.measure.statistics import percentile_ns

PERCENT = 90.0


def _run(load: Load, clock: Clock, serve: Serve) -> None:
    order = Order(load.samples)
    begin = end = clock.now_ns()
    query = 0
    while query < load.queries or end - begin < load.min_duration_ns:
        if end - begin > load.max_duration_ns:
            return
        sample = order[query]
        end = serve(query, sample, clock.now_ns())
        query += 1


def _judge(series: Sequence[Rows], load: Load) -> Judged:
    latencies = np.concatenate([rows.latency_ns for rows in series])
    worst = percentile_ns(latencies, 99)
    # MLPerf's edge rule: one SingleStream run may stand for the two other scenarios
    figures = {
        "equivalent_offline_samples_per_second": 1e9 / max(1.0, float(latencies.mean())),
        "equivalent_multi_stream_streams": math.floor(load.interval_ns / max(1, worst)),
    }
    return Judged(percentile_ns(latencies, PERCENT) / 1e6, figures)


PLUGIN = Scenario(
    title="SingleStream", percent=PERCENT, metric="latency_p90_ms", run=_run, judge=_judge, has_warm_up=True
)
