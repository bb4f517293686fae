"""How many calibration images are enough: fidelity by number of images, with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detlite.accuracy.bootstrap import Interval


@dataclass(frozen=True)
class Point:
    """Fidelity in percent with that many images, and its 95 % interval over the scoring images."""

    images: int
    fidelity: float
    interval: Interval


@dataclass(frozen=True)
class Curve:
    """The points by number of images, and the verdict."""

    points: tuple[Point, ...]
    enough: int
    verdict: str


def curve(counts: Sequence[int], point: Callable[[int], Point]) -> Curve:
    """Return the curve over *counts* images, each measured by *point*.

    The smallest number is enough whose fidelity is within the best one's interval.
    """
    points = tuple(point(count) for count in sorted(set(counts)))
    best = max(points, key=lambda one: one.fidelity)
    enough = next(one for one in points if one.fidelity >= best.interval.low)
    if len(points) == 1:
        verdict = f"{enough.images} alone cannot tell how many images are enough: try several numbers"
    elif enough is points[-1]:
        verdict = f"fidelity still rises at {enough.images} images: try more"
    else:
        verdict = (
            f"{enough.images} images are enough: a fidelity of {enough.fidelity:.2f}, and the best, "
            f"{best.fidelity:.2f} with {best.images}, cannot be told from it "
            f"({best.interval.low:.2f} to {best.interval.high:.2f})"
        )
    return Curve(points, enough.images, verdict)
