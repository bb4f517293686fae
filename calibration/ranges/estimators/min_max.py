"""The minimum and the maximum over all images, as TFLiteConverter does."""

from __future__ import annotations

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import Estimator, extremes
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range


def estimate(_network: Network, observed: Observed, _samples: Samples) -> dict[int, Range]:
    """Return the extremes over all images: one outlier among a hundred can make a range four times as wide."""
    return extremes(observed)


PLUGIN = Estimator(
    title="minimum and maximum of all images",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018",
    estimate=estimate,
)
