"""Camera: frames come at a fixed rate, one at a time; while one is run, only the newest that came is kept.

Not of MLPerf: it is what an app does with a live stream (CameraX's STRATEGY_KEEP_ONLY_LATEST). Frames come in the order
of the images, so that a model with states sees them as a video.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from detlite.runtime.clock import Clock
from detlite.runtime.counts import agreed, counted
from detlite.runtime.load import Load
from detlite.runtime.measure.scenario import Judged, Rows, Scenario, Serve
from detlite.runtime.measure.statistics import percentile_ns

PERCENT = 99.0
MOST_DROPPED = 0.01  # of the frames that came


def _run(load: Load, clock: Clock, serve: Serve) -> None:
    begin = end = clock.now_ns()
    query = frame = 0
    while query < load.queries or end - begin < load.min_duration_ns:
        due = begin + frame * load.interval_ns
        if due - begin > load.max_duration_ns:
            return
        clock.wait_until_ns(due)
        end = serve(query, frame % load.samples, due)
        frame = max(frame + 1, (end - begin) // load.interval_ns)
        query += 1


def _frames(rows: Rows, load: Load) -> int:
    """Return how many frames came while *rows* were run."""
    due = np.rint((rows.scheduled_ns - rows.scheduled_ns[0]) / load.interval_ns)
    return int(due[-1]) + 1


def _judge(series: Sequence[Rows], load: Load) -> Judged:
    latencies = np.concatenate([rows.latency_ns for rows in series])
    came = sum(_frames(rows, load) for rows in series)
    dropped, late = came - len(latencies), int((latencies > load.interval_ns).sum())
    p99_ms = percentile_ns(latencies, PERCENT) / 1e6
    figures = {
        "camera_frames_per_second": 1e9 / load.interval_ns,
        "dropped_frames": dropped,
        "dropped_share": dropped / came,
        "late_frames": late,
        "late_share": late / len(latencies),
    }
    lost = f"{dropped} of {counted(came, 'frame')} {agreed(dropped, 'was', 'were')} dropped"
    over = f"tail: {lost}, because the model was still busy; 1 % may be"
    return Judged(p99_ms, figures, (over,) if dropped > MOST_DROPPED * came else ())


PLUGIN = Scenario(title="Camera", percent=PERCENT, metric="latency_p99_ms", run=_run, judge=_judge)
