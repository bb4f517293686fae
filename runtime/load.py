"""How much a measured process must run: shared by the scenarios and by programs that do their own measuring."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class Load:
    """The load on one process.

    Attributes:
        queries: minimum number of queries.
        min_duration_ns: minimum time from the first query to the last answer.
        max_duration_ns: the run ends after this time, even if queries are missing.
        samples: number of images that are loaded.
        offline_samples: minimum number of samples in the single query of Offline.
        streams: samples per query of MultiStream.
        interval_ns: time between MultiStream's queries, and the limit of their latency.
        per_second: mean number of Server's queries per second.
        limit_ns: limit of Server's latency.
        expected_ns: time of one sample, as the warm-up measured it.
    """

    queries: int
    min_duration_ns: int
    max_duration_ns: int
    samples: int
    offline_samples: int = 1
    streams: int = 1
    interval_ns: int = 50_000_000
    per_second: float = 1.0
    limit_ns: int = 100_000_000
    expected_ns: int = 1_000_000

    def __post_init__(self) -> None:
        counts = (self.queries, self.samples, self.offline_samples, self.streams, self.interval_ns, self.limit_ns)
        if min(counts) < 1:
            raise InputError(
                f"{counted(self.queries, 'query')}, {counted(self.samples, 'image')}, "
                f"{counted(self.offline_samples, 'offline sample')}, {counted(self.streams, 'stream')}, "
                f"{self.interval_ns} ns between queries, a limit of {self.limit_ns} ns: each must be at least 1"
            )
        if not 0 < self.per_second <= 1e6:
            raise InputError(f"{self.per_second:g} queries a second: want more than 0, and at most a million")
