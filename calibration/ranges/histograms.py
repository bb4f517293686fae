"""Histograms of the activations, from a second pass over the images, in constant memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.activations import open_activations
from detlite.calibration.ranges.observer import Observed

BINS = 2048


@dataclass(frozen=True, eq=False)
class Histogram:
    """The number of values in each of `BINS` bins of equal width from *low* to *high*: *counts* is int64 (bins,)."""

    low: float
    high: float
    counts: NDArray[np.int64]

    @property
    def centres(self) -> NDArray[np.float64]:
        """The centre of each bin, float64 (bins,)."""
        width = (self.high - self.low) / len(self.counts)
        middles: NDArray[np.float64] = self.low + width * (np.arange(len(self.counts), dtype=np.float64) + 0.5)
        return middles


def histograms(network: Network, observed: Observed, samples: Samples) -> Mapping[int, Histogram]:
    """Return the histogram of each activation of *network* over *samples*, between its *observed* extremes."""
    computed = [index for index in network.activations if index not in network.inputs]
    limits = {index: (float(observed.lows[index].min()), float(observed.highs[index].max())) for index in computed}
    counts = {index: np.zeros(BINS, np.int64) for index in computed}
    model = open_activations(network.file, [network.names[index] for index in computed])
    for sample in samples():
        value = model.run(sample)
        for index in computed:
            counts[index] += _binned(value(network.names[index]), *limits[index])
    return {index: Histogram(*limits[index], counts[index]) for index in computed}


def _binned(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.int64]:
    width = (high - low) / BINS
    places = (values.ravel() - np.float32(low)) * np.float32(1 / width if width > 0 else 0)
    return np.bincount(np.clip(places.astype(np.int32), 0, BINS - 1), minlength=BINS)
