"""What a range estimator is; each is one file in `calibration/estimators/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range

ESTIMATORS = "detlite.calibration.ranges.estimators"


@dataclass(frozen=True)
class Estimator:
    """One way to choose the ranges of the activations; its name is its file's name.

    Attributes:
        title: what it does, in one line.
        source: the paper or program that it follows.
        estimate: the range of each activation, by the tensor's number, of what was seen; it may run the network over
            the samples once more, for what was not kept.
    """

    title: str
    source: str
    estimate: Callable[[Network, Observed, Samples], Mapping[int, Range]]
