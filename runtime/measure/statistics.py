"""Statistics of a series of times: percentiles, their intervals, the end of warm-up, and drift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

DRAWS = 1000
FEWEST_DRAWS = 100
MOST_WORK = 20_000_000  # samples drawn in total: about a second
SEED = 7
CONFIDENCE = 0.95
PENALTY = 3.0  # times ln(n): what a change point must explain beyond one level, by Schwarz's criterion
LEAST_CHANGE = 0.05  # of the level: a warm-up's step is not smaller
SLOWER = 1.1  # last quarter over first: the device is throttled
PERCENTS = (50.0, 90.0, 95.0, 99.0)


def percentile_ns(times: Times, percent: float) -> int:
    """Return the smallest of *times* that at least *percent* % of them do not exceed (nearest rank, as in MLPerf)."""
    rank = max(0, math.ceil(percent / 100 * len(times)) - 1)
    return int(np.partition(times, rank)[rank])


def fewest_samples(percent: float) -> int:
    """Return how many samples a percentile needs for the largest to exceed the true one in 95 of 100 cases.

    n with 1 - p^n >= 0.95: 5 for p50, 29 for p90, 59 for p95, 299 for p99. With fewer the 95 % interval of the
    percentile has no upper end (Hahn and Meeker, Statistical Intervals, 5.3).
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(percent / 100))


def bootstrap_ns(series: Sequence[Times], percents: Sequence[float] = PERCENTS) -> Dict[float, Tuple[int, int]]:
    """Return the 95 % interval of each percentile of all *series*, one a process.

    Drawn in two steps: processes with replacement, because they differ more than one's samples do, then within each
    blocks of neighbours, sqrt(n) long (the moving block bootstrap of Künsch, 1989), because neighbours are alike.
    """
    generator = np.random.default_rng(SEED)
    total = sum(len(times) for times in series)
    draws = max(FEWEST_DRAWS, min(DRAWS, MOST_WORK // max(1, total)))
    found: Dict[float, List[int]] = {percent: [] for percent in percents}
    for _ in range(draws):
        chosen = generator.integers(0, len(series), len(series))
        drawn = np.concatenate([_blocks(series[i], generator) for i in chosen])
        for percent in percents:
            found[percent].append(percentile_ns(drawn, percent))
    return {percent: _ends(values) for percent, values in found.items()}


def _blocks(times: Times, generator: np.random.Generator) -> Times:
    count = len(times)
    length = max(1, round(count**0.5))
    starts = generator.integers(0, count - length + 1, -(-count // length))
    drawn: Times = times[(starts[:, None] + np.arange(length)).ravel()[:count]]
    return drawn


def _ends(values: List[int]) -> Tuple[int, int]:
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[math.floor(0.025 * last)], ordered[math.ceil(0.975 * last)]


def change_point(times: Times) -> int:
    """Return how many of the first *times* are warm-up: 0 if their level never falls.

    The cut explains the series best as two levels (least squares of the logarithms, with rare large values clipped
    to the 95th percentile), and counts if it explains `PENALTY` ln(n) more than one level does (Schwarz, 1978) and
    the first level is higher by `LEAST_CHANGE`. The rest is cut again until its level no longer falls.
    """
    begin = 0
    while len(times) - begin >= 8:
        cut = _cut(times[begin:])
        if cut == 0:
            break
        begin += cut
    return begin


def _cut(times: Times) -> int:
    logs = np.log(np.maximum(times, 1).astype(np.float64))
    logs = np.minimum(logs, np.percentile(logs, 95))
    count = len(logs)
    sums, squares = np.cumsum(logs), np.cumsum(logs**2)
    head = np.arange(1, count)
    before = squares[:-1] - sums[:-1] ** 2 / head
    after = (squares[-1] - squares[:-1]) - (sums[-1] - sums[:-1]) ** 2 / (count - head)
    whole = squares[-1] - sums[-1] ** 2 / count
    best = int(np.argmin(before + after))
    left = max(float(before[best] + after[best]), 1e-12 * count)
    falls = sums[best] / (best + 1) - (sums[-1] - sums[best]) / (count - best - 1)
    explains = count * math.log(max(float(whole), 1e-12 * count) / left) > PENALTY * math.log(count)
    return best + 1 if explains and falls > LEAST_CHANGE else 0


@dataclass(frozen=True)
class Drift:
    """The median of a run's last quarter over its first quarter's median, with its 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def is_slower(self) -> bool:
        """Whether the device slowed down by over a tenth, beyond chance."""
        return self.ratio > SLOWER and self.low > 1


def drift(times: Times) -> Optional[Drift]:
    """Return the drift of *times*; None if a quarter has fewer than 5 samples."""
    quarter = len(times) // 4
    if quarter < 5:
        return None
    generator = np.random.default_rng(SEED)
    first, last = times[:quarter], times[-quarter:]
    ratios = sorted(
        percentile_ns(_blocks(last, generator), 50) / max(1, percentile_ns(_blocks(first, generator), 50))
        for _ in range(200)
    )
    ratio = percentile_ns(last, 50) / max(1, percentile_ns(first, 50))
    return Drift(ratio, ratios[4], ratios[194])


def median_ratio_interval(samples: Sequence[float], others: Sequence[float]) -> Tuple[float, float]:
    """Return the 95 % interval of median(samples) / median(others) for two models measured in turn."""
    first, second = median_draws(samples, others).T
    low, high = np.percentile(first / second, (2.5, 97.5))
    return float(low), float(high)


def median_draws(samples: Sequence[float], others: Sequence[float]) -> NDArray[np.float64]:
    """Return the medians of draws of two series that were measured in turn, float64 (draws, 2).

    Both series are drawn together in blocks of neighbours, sqrt(n) long (the moving block bootstrap of Künsch, 1989):
    a disturbance lasts longer than one sample, and affects both models alike.
    """
    count = min(len(samples), len(others))
    pair = np.array([samples[:count], others[:count]])
    length = max(1, round(count**0.5))
    generator = np.random.default_rng(SEED)
    medians = []
    for _ in range(max(FEWEST_DRAWS, min(DRAWS, MOST_WORK // count))):
        starts = generator.integers(0, count - length + 1, -(-count // length))
        drawn = (starts[:, None] + np.arange(length)).ravel()[:count]
        medians.append(np.median(pair[:, drawn], axis=1))
    return np.array(medians)
