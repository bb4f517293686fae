"""The means over the images of each image's minimum and maximum."""

from __future__ import annotations

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import Estimator
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range


def estimate(_network: Network, observed: Observed, _samples: Samples) -> dict[int, Range]:
    """Return the mean extremes: one outlier among a hundred images moves them by one hundredth."""
    return {
        index: Range(float(observed.lows[index].mean()), float(observed.highs[index].mean())) for index in observed.lows
    }


PLUGIN = Estimator(
    title="mean of each image's minimum and maximum",
    source="Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018 (moving averages); "
    "the best of nine measured on SSDLite MobileNet V2",
    estimate=estimate,
)
