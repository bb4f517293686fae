"""The range with the least mean square error of rounding inside it and clipping outside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import Estimator, extremes
from detlite.calibration.ranges.histograms import Histogram, histograms
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range

SHARES = np.linspace(1.0, 0.3, 36)
"""The fractions of the full range that are tried; both ends are scaled alike."""

STEPS = 255


def estimate(network: Network, observed: Observed, samples: Samples) -> dict[int, Range]:
    """Return the range of each activation with the least error."""
    found = {index: _range(one) for index, one in histograms(network, observed, samples).items()}
    return {**extremes(observed), **found}


def _range(histogram: Histogram) -> Range:
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    centres, weights = histogram.centres, histogram.counts / histogram.counts.sum()
    best = min(SHARES, key=lambda share: _cost(centres, weights, low * share, high * share))
    return Range(low * float(best), high * float(best))


def _cost(centres: NDArray[np.float64], weights: NDArray[np.float64], low: float, high: float) -> float:
    clipped = np.square(centres - np.clip(centres, low, high)) @ weights
    return float(clipped) + ((high - low) / STEPS) ** 2 / 12  # rounding: uniform over a step


PLUGIN = Estimator(
    title="least mean square error of rounding and clipping",
    source="Sung et al., Resiliency of Deep Neural Networks under Quantization, 2015; Banner et al., NeurIPS 2019",
    estimate=estimate,
)
