"""The means over the images of each image's minimum and maximum; over the scenes of a stream's frames.

The mean over a stream's frames would cut what its states settle at: MoViNet A0 lost 4 dB at the end of a clip.
"""

from __future__ import annotations

import numpy as np

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import Estimator
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range


def estimate(_network: Network, observed: Observed, _samples: Samples) -> dict[int, Range]:
    """Return the mean extremes: one outlier among a hundred images moves them by one hundredth."""
    begins = np.flatnonzero(np.diff(observed.scenes, prepend=-1))
    return {
        index: Range(
            float(np.minimum.reduceat(observed.lows[index], begins).mean()),
            float(np.maximum.reduceat(observed.highs[index], begins).mean()),
        )
        for index in observed.lows
    }


PLUGIN = Estimator(
    title="mean of each image's minimum and maximum, or of each scene's",
    source="Krishnamoorthi, Quantizing deep convolutional networks for efficient inference, 2018 (moving averages); "
    "the best of nine measured on SSDLite MobileNet V2",
    estimate=estimate,
)
