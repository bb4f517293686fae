"""How sure a score is: the images drawn again and again, with replacement (Efron, 1979).

It shows the spread due to the choice of images alone, not to other thresholds or another training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detlite.accuracy.matching import Matches
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.arrays import Doubles
from detlite.runtime.errors import InputError

DRAWS = 200
MOST_DRAWS = 100_000
SEED = 7
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A percentile interval of a bootstrap, in percent: *level* of the *draws* are from *low* to *high*."""

    low: float
    high: float
    draws: int
    seed: int
    level: float = LEVEL

    def to_record(self) -> dict[str, float | int]:
        """Return it as plain data, for JSON."""
        return {
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "draws": self.draws,
            "seed": self.seed,
        }


def bootstrap_map(matches: Matches, *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Return the interval of the mAP of one detector."""
    return interval_of(mean_average_precision(matches, draw_images(matches.images, draws, seed)), seed)


def bootstrap_difference(matches: Matches, reference: Matches, *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """Return the interval of mAP minus the reference's mAP, both on the same images: in each draw the same ones.

    Much narrower than the difference of two separate intervals: what is hard in an image is hard for both.
    """
    if matches.images != reference.images:
        raise InputError(f"{matches.images} images against {reference.images}: a pair needs the same images")
    weights = draw_images(matches.images, draws, seed)
    differences = mean_average_precision(matches, weights) - mean_average_precision(reference, weights)
    return interval_of(differences, seed)


def draw_images(images: int, draws: int, seed: int) -> Doubles:
    """Return how often each image was drawn, float64 (draws, images); each row sums to *images*."""
    if not 2 <= draws <= MOST_DRAWS:
        raise InputError(f"{draws} bootstrap draws: want 2 to {MOST_DRAWS}; {DRAWS} are usual")
    chance = np.full(images, 1.0 / images)
    return np.random.default_rng(seed).multinomial(images, chance, size=draws).astype(np.float64)


def interval_of(values: Doubles, seed: int) -> Interval:
    """Return the interval of the *values* of the draws; `InputError` if no draw holds an object."""
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError("no draw of the images holds an annotated object: there is nothing to bootstrap")
    low, high = np.percentile(known, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return Interval(float(low), float(high), len(known), seed)
