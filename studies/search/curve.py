"""How many calibration images are enough: fidelity by number of images, with a verdict."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.accuracy.bootstrap import Interval

CHOICES = 3
"""One choice of a few images is erratic: fidelities with 8 images differ by a point."""


@dataclass(frozen=True)
class Point:
    """Fidelity in percent with that many images.

    Attributes:
        images: the number of calibration images.
        fidelity: the mean over the choices of so many images.
        interval: 95 % interval over the scoring images and the choices.
        choices: number of choices of so many images that were averaged; 1 if there are no more images.
    """

    images: int
    fidelity: float
    interval: Interval
    choices: int = 1


@dataclass(frozen=True)
class Curve:
    """The points by number of images, and the verdict."""

    points: tuple[Point, ...]
    enough: int
    verdict: str


def choices_of(images: Sequence[Path], count: int) -> tuple[tuple[Path, ...], ...]:
    """Return `CHOICES` random choices of *count* of *images*, each with its own seed; all of them as the only one."""
    if count >= len(images):
        return (tuple(images),)
    # S311: a seeded choice must be repeatable, and need not be secret
    return tuple(tuple(random.Random(seed).sample(images, count)) for seed in range(CHOICES))  # noqa: S311


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
