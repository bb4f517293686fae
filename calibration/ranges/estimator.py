"""The type of a range estimator; each estimator is one file in `calibration/ranges/estimators/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from detlite.calibration.models import Samples
from detlite.calibration.network import Network
from detlite.calibration.ranges.observer import Observed
from detlite.calibration.ranges.ranges import Range

ESTIMATORS = "detlite.calibration.ranges.estimators"


def extremes(observed: Observed) -> dict[int, Range]:
    """Return the lowest and the highest value of each activation, by tensor index."""
    return {
        index: Range(float(observed.lows[index].min()), float(observed.highs[index].max())) for index in observed.lows
    }


@dataclass(frozen=True)
class Estimator:
    """One way to choose the ranges of the activations; its name is the name of its file.

    Attributes:
        title: what it does, in one line.
        source: the paper or program that it follows.
        estimate: returns the range of each activation, by tensor index, from the statistics; it may run the network
            over the samples again for statistics that are not kept.
    """

    title: str
    source: str
    estimate: Callable[[Network, Observed, Samples], Mapping[int, Range]]
