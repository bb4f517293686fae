"""Offline: all samples in one query; how many are done in a second is quoted."""

from __future__ import annotations

from typing import Sequence

from detlite.runtime.clock import Clock
from detlite.runtime.counts import counted
from detlite.runtime.load import Load
from detlite.runtime.measure.scenario import Judged, Rows, Scenario, Serve

MORE = 1.1  # as LoadGen: a tenth more samples than the time needs, for a device that is faster than expected


def _run(load: Load, clock: Clock, serve: Serve) -> None:
    samples = max(load.offline_samples, int(MORE * load.min_duration_ns / max(1, load.expected_ns)))
    begin = end = clock.now_ns()
    for i in range(samples):
        if end - begin > load.max_duration_ns:
            return
        end = serve(0, i % load.samples, begin)


def _judge(series: Sequence[Rows], load: Load) -> Judged:
    samples, span = sum(len(rows) for rows in series), sum(rows.duration_ns for rows in series)
    rate = samples / max(1, span) * 1e9
    short = [len(rows) for rows in series if len(rows) < load.offline_samples]
    missing = (
        (f"count: a query of {counted(min(short), 'sample')}, and {load.offline_samples} are asked",) if short else ()
    )
    return Judged(rate, {"samples_per_second": rate}, missing)


PLUGIN = Scenario(title="Offline", percent=50.0, metric="samples_per_second", run=_run, judge=_judge)
