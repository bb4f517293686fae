"""Server: queries of one sample come as a Poisson process; the rate is quoted if p99 keeps the limit."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from detlite.runtime.clock import Clock
from detlite.runtime.load import Load
from detlite.runtime.measure.loadgen_random import poisson_ns
from detlite.runtime.measure.presets import SCHEDULE_SEED
from detlite.runtime.measure.scenario import Judged, Order, Rows, Scenario, Serve
from detlite.runtime.measure.statistics import percentile_ns

PERCENT = 99.0


def _run(load: Load, clock: Clock, serve: Serve) -> None:
    # one model runs one query at a time: first come, first served, as with LoadGen's queue and one worker
    count = max(load.queries, int(load.per_second * load.min_duration_ns / 1e9 * 1.2) + 64)
    due = poisson_ns(SCHEDULE_SEED, load.per_second, count)
    order = Order(load.samples)
    begin = clock.now_ns()
    for query, after in enumerate(due.tolist()):
        sample = order[query]
        clock.wait_until_ns(begin + after)
        serve(query, sample, begin + after)
        if (query + 1 >= load.queries and after >= load.min_duration_ns) or after > load.max_duration_ns:
            return


def _judge(series: Sequence[Rows], load: Load) -> Judged:
    latencies = np.concatenate([rows.latency_ns for rows in series])
    p99 = percentile_ns(latencies, PERCENT)
    scheduled = sum(len(rows) - 1 for rows in series) / max(1, sum(int(np.ptp(rows.scheduled_ns)) for rows in series))
    figures = {
        "scheduled_per_second": scheduled * 1e9,
        "target_per_second": load.per_second,
        "limit_ms": load.limit_ns / 1e6,
    }
    over = f"tail: p99 is {p99 / 1e6:.3f} ms, over the limit of {load.limit_ns / 1e6:g} ms"
    return Judged(scheduled * 1e9, figures, (over,) if p99 > load.limit_ns else ())


PLUGIN = Scenario(title="Server", percent=PERCENT, metric="scheduled_per_second", run=_run, judge=_judge)
