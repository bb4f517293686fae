"""How much is measured: named constants; those of MLPerf with their sources.

MLPerf: inference_rules.adoc of mlcommons/inference at v1.0 (2021-03), the table of scenarios, of benchmarks (latency
constraints, quality targets, performance sample counts), and the seeds of mlperf.conf r1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

from detlite.runtime.errors import InputError, unknown_name

CAMERA = "camera"
"""The one scenario whose frames come in the order of the images."""

QSL_SEED = 7322528924094909334
SAMPLE_SEED = 1570999273408051088
SCHEDULE_SEED = 3507442325620259414


@dataclass(frozen=True)
class Preset:
    """The counts and the limits of a run.

    Attributes:
        processes: number of processes; each repeats everything from the start.
        sample_count: number of images that are kept in memory, ready to use.
        queries: minimum number of queries over all processes, by scenario.
        min_duration_s: minimum duration over all processes.
        offline_samples: minimum number of samples in the single query of Offline.
        interval_ms: time between the queries of MultiStream, and the limit of their p99; or between a camera's frames.
        server_ms: limit of Server's p99.
        quality_map: the mAP, in %, that the accuracy run must reach; None if there is no requirement.
        warm_up_s: minimum warm-up time before samples count.
    """

    processes: int
    sample_count: int
    queries: Mapping[str, int]
    min_duration_s: float
    offline_samples: int
    interval_ms: float = 50.0
    server_ms: float = 100.0
    quality_map: Optional[float] = None
    warm_up_s: float = 0.5

    def __post_init__(self) -> None:
        fine = self.processes >= 1 and self.sample_count >= 1 and 0 <= self.min_duration_s <= 86_400
        if not fine or min((self.offline_samples, *self.queries.values())) < 1:
            raise InputError(f"{self}: want at least one process, image and query, and at most a day")
        if not (0 < self.interval_ms <= 1e7 and 0 < self.server_ms <= 1e7):
            raise InputError(f"limits of {self.interval_ms} and {self.server_ms} ms: want over 0")


MLPERF_QUERIES = {"single-stream": 1024, "multi-stream": 270_336, "server": 270_336, "offline": 1}

PRESETS: Mapping[str, Preset] = {
    # for a first look: enough samples for p90 in each of three processes (29), and for p99 of all (299)
    "quick": Preset(
        processes=3,
        sample_count=16,
        queries={"single-stream": 300, "multi-stream": 300, "server": 300, "offline": 1, "camera": 300},
        min_duration_s=3.0,
        offline_samples=300,
        warm_up_s=0.3,
    ),
    # MLPerf Mobile's single-stream counts (tasks.pbtxt: 1024 queries and 60 s), over five processes
    "standard": Preset(
        processes=5,
        sample_count=64,
        queries={"single-stream": 1024, "multi-stream": 1024, "server": 1024, "offline": 1, "camera": 1024},
        min_duration_s=60.0,
        offline_samples=2048,
    ),
    "mlperf-v1.0-ssd-mobilenet": Preset(
        processes=1,
        sample_count=256,
        queries=MLPERF_QUERIES,
        min_duration_s=600.0,
        offline_samples=24_576,
        interval_ms=50.0,
        server_ms=10.0,  # MLPerf has no Server run for this model: LoadGen's default
        quality_map=22.0 * 0.99,
    ),
    "mlperf-v1.0-ssd-resnet34": Preset(
        processes=1,
        sample_count=64,
        queries=MLPERF_QUERIES,
        min_duration_s=600.0,
        offline_samples=24_576,
        interval_ms=66.0,
        server_ms=100.0,
        quality_map=20.0 * 0.99,
    ),
}


def preset_called(name: str) -> Preset:
    """Return the preset *name*; `UnknownNameError` if there is none."""
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]
