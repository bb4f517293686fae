"""How sure a score is: the images drawn again and again, with replacement (Efron, 1979).

It shows the spread due to the choice of images alone, not to other thresholds or another training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from detlite.accuracy.matching import Matches
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.arrays import Doubles
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

DRAWS = 200
MOST_DRAWS = 100_000
SEED = 7
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An interval of a bootstrap, in the unit of the values drawn: *level* of the *draws* are from *low* to *high*."""

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


@dataclass(frozen=True)
class PairedIntervals:
    """The intervals of one detector's mAP against a reference's: of the *difference*, and of the *ratio* in percent.

    Both are corrected for the bias of the draws. *ratio* is None if the reference has an mAP of 0.
    """

    difference: Interval
    ratio: Interval | None


def bootstrap_map(
    matches: Matches, *, draws: int = DRAWS, seed: int = SEED, groups: Sequence[int] | None = None
) -> Interval:
    """Return the interval of the mAP of one detector; *groups* as `draw_images` takes it."""
    return interval_of(mean_average_precision(matches, draw_images(matches.images, draws, seed, groups)), seed)


def bootstrap_pair(matches: Matches, reference: Matches, *, draws: int = DRAWS, seed: int = SEED) -> PairedIntervals:
    """Return the intervals of mAP against the reference's mAP, both on the same images: in each draw the same ones.

    Much narrower than from two separate intervals: what is hard in an image is hard for both.
    """
    if matches.images != reference.images:
        raise InputError(f"{counted(matches.images, 'image')} against {reference.images}: a pair needs the same images")
    weights = draw_images(matches.images, draws, seed)
    ours, theirs = (mean_average_precision(one, weights) for one in (matches, reference))
    our, their = (float(mean_average_precision(one)[0]) for one in (matches, reference))
    ratios = np.divide(100.0 * ours, theirs, out=np.full(len(ours), np.nan), where=theirs > 0)
    return PairedIntervals(
        difference=interval_of(ours - theirs, seed, value=our - their),
        ratio=interval_of(ratios, seed, value=100.0 * our / their) if their > 0 else None,
    )


def draw_images(images: int, draws: int, seed: int, groups: Sequence[int] | None = None) -> Doubles:
    """Return how often each image was drawn, float64 (draws, images).

    Args:
        images: how many there are.
        draws: how many rows to return.
        seed: the same seed gives the same draws.
        groups: for each image, the number of the scene that it shows: images of one scene are drawn together, because
            they are not independent; None if every image shows a scene of its own.
    """
    if not 2 <= draws <= MOST_DRAWS:
        raise InputError(f"{counted(draws, 'bootstrap draw')}: want 2 to {MOST_DRAWS}; {DRAWS} are usual")
    names, group_of = np.unique(np.arange(images) if groups is None else np.asarray(groups), return_inverse=True)
    chance = np.full(len(names), 1.0 / len(names))
    drawn = np.random.default_rng(seed).multinomial(len(names), chance, size=draws)
    weights: Doubles = drawn[:, group_of].astype(np.float64)
    return weights


def interval_of(values: Doubles, seed: int, *, value: float | None = None) -> Interval:
    """Return the interval of the *values* of the draws; `InputError` if no draw holds an object.

    With *value*, the figure of all images once, the percentiles are corrected for the bias of the draws (Efron,
    Nonparametric standard errors and confidence intervals, 1981): a draw holds two thirds of the images, and a
    difference of mAP is larger on fewer images.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        raise InputError("no draw of the images holds an annotated object: there is nothing to bootstrap")
    ends = 50 * np.array([1 - LEVEL, 1 + LEVEL]) if value is None else _corrected_percents(known, value)
    low, high = np.percentile(known, ends)
    return Interval(float(low), float(high), len(known), seed)


def _corrected_percents(values: Doubles, value: float) -> tuple[float, float]:
    """Return the percentiles of *values* that are the ends of an interval around *value* without bias."""
    normal = NormalDist()
    below = (np.count_nonzero(values < value) + np.count_nonzero(values <= value)) / 2
    bias = normal.inv_cdf(min(max(below, 0.5), len(values) - 0.5) / len(values))
    width = normal.inv_cdf((1 + LEVEL) / 2)
    return 100 * normal.cdf(2 * bias - width), 100 * normal.cdf(2 * bias + width)
