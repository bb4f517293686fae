"""How sure one is of how much longer a model takes than another, when both were measured in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DRAWS = 1000
FEWEST_DRAWS = 100
MOST_WORK = 20_000_000  # samples drawn in all: about a second
SEED = 7


def median_ratio_interval(samples_ms: Sequence[float], others_ms: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of median(samples) / median(others).

    Both series are drawn together in blocks of neighbours, sqrt(n) long (the moving block bootstrap of Künsch, 1989):
    what disturbs the machine lasts longer than one sample, and disturbs both models alike.
    """
    count = min(len(samples_ms), len(others_ms))
    pair = np.array([samples_ms[:count], others_ms[:count]])
    length = max(1, round(count**0.5))
    generator = np.random.default_rng(SEED)
    ratios = []
    for _ in range(max(FEWEST_DRAWS, min(DRAWS, MOST_WORK // count))):
        starts = generator.integers(0, count - length + 1, -(-count // length))
        drawn = (starts[:, None] + np.arange(length)).ravel()[:count]
        first, second = np.median(pair[:, drawn], axis=1)
        ratios.append(first / second)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return float(low), float(high)
