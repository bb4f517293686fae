"""How much is asked of a measured process: shared by the scenarios and by programs that measure by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class Load:
    """What is asked of one process.

    Attributes:
        queries: at least so many.
        min_duration_ns: from the first query to the last answer, at least.
        max_duration_ns: ended then, whatever is missing.
        samples: how many images are loaded.
        offline_samples: of Offline's one query, at least.
        streams: samples of each of MultiStream's queries.
        interval_ns: between those, and the limit of their latency.
        per_second: of Server, on the average.
        limit_ns: of Server's latency.
        expected_ns: what one sample takes, as the warm-up had it.
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
        if min(counts) < 1 or not 0 < self.per_second <= 1e6:
            raise InputError(f"{self}: want counts of at least 1, and at most a million queries a second")
