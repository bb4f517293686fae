"""How many calibration images are enough: error and fidelity by number of images, with a verdict by the error."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from detlite.accuracy.bootstrap import DRAWS, SEED, Interval, draw_images, interval_of
from detlite.accuracy.output_error import OutputError
from detlite.runtime.arrays import Doubles
from detlite.runtime.counts import agreed, counted, plural
from detlite.runtime.records import Record

CHOICES = 3
"""One choice of a few images is erratic: fidelities with 8 images differ by a point."""


@dataclass(frozen=True, eq=False)
class Point:
    """What that many images give.

    Attributes:
        images: the number of calibration images, or clips.
        error: of the raw outputs, the mean square over the choices of so many images; None of a two-stage detector,
            whose regions differ from model to model.
        fidelity: in percent, the mean over the choices.
        interval: 95 % interval of the fidelity over the scoring images and the choices.
        fidelities: the mean over the choices in draws of the scoring images, float64 (draws,): of every point the same.
        choices: number of choices of so many images that were averaged; 1 if there are no more images.
    """

    images: int
    error: OutputError | None
    fidelity: float
    interval: Interval
    fidelities: Doubles
    choices: int = 1

    @property
    def figure(self) -> float:
        """What points are ranked by, higher is better: dB of signal over error, or else the fidelity."""
        return self.fidelity if self.error is None else self.error.db

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        return f"{self.fidelity:.2f} % fidelity" if self.error is None else f"{self.error.db:.2f} dB"

    def to_record(self) -> Record:
        """Return what JSON carries."""
        error = None if self.error is None else self.error.to_record()
        facts = {"images": self.images, "fidelity": self.fidelity, "choices": self.choices}
        return {**facts, "interval": asdict(self.interval), "error": error}


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


def curve(counts: Sequence[int], point: Callable[[int], Point], sample: str = "image") -> Curve:
    """Return the curve over *counts* images, or of another *sample*, each measured by *point*.

    The smallest number is enough whose error, or of a two-stage detector fidelity, cannot be told from the best one's
    in 95 % of draws of the same images.
    """
    points = tuple(point(count) for count in sorted(set(counts)))
    best = max(points, key=lambda one: one.figure)
    enough = next(one for one in points if _is_near(one, best))
    if len(points) == 1:
        verdict = f"{enough.images} alone cannot tell how many {plural(sample)} are enough: try several numbers"
    elif enough is points[-1]:
        what = "the fidelity still rises" if enough.error is None else "the error still falls"
        verdict = f"{what} at {counted(enough.images, sample)}: try more"
    else:
        of_what = "" if enough.error is None else " of signal over error"
        verdict = (
            f"{counted(enough.images, sample)} {agreed(enough.images, 'is', 'are')} enough: {enough.shown}{of_what}, "
            f"and the best, {best.shown} with {best.images}, cannot be told from it"
        )
    return Curve(points, enough.images, verdict)


def _is_near(one: Point, best: Point) -> bool:
    """Return whether *one* may be as good as *best*: paired draws of the images tell no difference."""
    if one.error is None or best.error is None:
        return interval_of(best.fidelities - one.fidelities, SEED).low <= 0
    weights = draw_images(one.error.image_count, DRAWS, SEED)
    return interval_of(one.error.powers(weights) / best.error.powers(weights), SEED).low <= 1
