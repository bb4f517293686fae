"""How many calibration images are enough: error and fidelity by number of images, with a verdict by the error."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from detlite.accuracy.bootstrap import DRAWS, SEED, Interval, draw_images, interval_of
from detlite.accuracy.output_error import OutputError
from detlite.runtime.counts import counted
from detlite.runtime.records import Record

CHOICES = 3
"""One choice of a few images is erratic: fidelities with 8 images differ by a point."""


@dataclass(frozen=True, eq=False)
class Point:
    """What that many images give.

    Attributes:
        images: the number of calibration images.
        error: of the raw outputs, the mean square over the choices of so many images.
        fidelity: in percent, the mean over the choices.
        interval: 95 % interval of the fidelity over the scoring images and the choices.
        choices: number of choices of so many images that were averaged; 1 if there are no more images.
    """

    images: int
    error: OutputError
    fidelity: float
    interval: Interval
    choices: int = 1

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        return {**asdict(replace(self, error=OutputError({}))), "error": self.error.to_record()}


@dataclass(frozen=True, eq=False)
class Curve:
    """The points by number of images, and the verdict."""

    points: tuple[Point, ...]
    enough: int
    verdict: str

    def to_record(self) -> Record:
        """Return the fields as JSON carries them."""
        points = [point.to_record() for point in self.points]
        return {"points": points, "enough": self.enough, "verdict": self.verdict}


def choices_of(images: Sequence[Path], count: int) -> tuple[tuple[Path, ...], ...]:
    """Return `CHOICES` random choices of *count* of *images*, each with its own seed; all of them as the only one."""
    if count >= len(images):
        return (tuple(images),)
    # S311: a seeded choice must be repeatable, and need not be secret
    return tuple(tuple(random.Random(seed).sample(images, count)) for seed in range(CHOICES))  # noqa: S311


def curve(counts: Sequence[int], point: Callable[[int], Point]) -> Curve:
    """Return the curve over *counts* images, each measured by *point*.

    The smallest number is enough whose error cannot be told from the best one's in 95 % of draws of the same images.
    """
    points = tuple(point(count) for count in sorted(set(counts)))
    best = max(points, key=lambda one: one.error.db)
    enough = next(one for one in points if _is_near(one, best))
    if len(points) == 1:
        verdict = f"{enough.images} alone cannot tell how many images are enough: try several numbers"
    elif enough is points[-1]:
        verdict = f"the error still falls at {counted(enough.images, 'image')}: try more"
    else:
        verdict = (
            f"{counted(enough.images, 'image is', 'images are')} enough: {enough.error.db:.2f} dB of signal over "
            f"error, and the best, {best.error.db:.2f} dB with {best.images}, cannot be told from it"
        )
    return Curve(points, enough.images, verdict)


def _is_near(one: Point, best: Point) -> bool:
    """Return whether *one* may be as good as *best*: paired draws of the images tell no difference."""
    weights = draw_images(one.error.image_count, DRAWS, SEED)
    return interval_of(one.error.powers(weights) / best.error.powers(weights), SEED).low <= 1
