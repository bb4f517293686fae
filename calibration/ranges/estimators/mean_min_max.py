"""The means over the images of each image's minimum and maximum; of a stream's frames, the extremes of all.

A stream's states grow over its first frames, so that a mean cuts what they settle at. On 10 videos, calibrated with 24
others, MoViNet A0 has 19 dB of signal to noise with the extremes of all frames, and 15 with means of the scenes'.
"""

from __future__ import annotations

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import Estimator, extremes
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range


def estimate(_network: Network, observed: Observed, _samples: Samples) -> dict[int, Range]:
    """Return the mean extremes: one outlier among a hundred images moves them by one hundredth."""
    if len(set(observed.scenes.tolist())) < observed.image_count:
        return extremes(observed)
    return {
        index: Range(float(observed.lows[index].mean()), float(observed.highs[index].mean())) for index in observed.lows
    }


PLUGIN = Estimator(
    title="mean of each image's minimum and maximum; the extremes of a stream",
    source="Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018 (moving averages); "
    "the best of nine measured on SSDLite MobileNet V2",
    estimate=estimate,
)
