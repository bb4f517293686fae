"""Average precision as COCO accumulates it, for many weightings of the images at once.

`COCOeval.accumulate` in cocoapi: precision made falling, read at 101 recalls, averaged over classes with a truth and
over IoU 0.5:0.95. An image with weight 2 counts as if it were there twice, which is what a bootstrap needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detlite.accuracy.matching import THRESHOLDS, ClassMatches, Matches
from detlite.runtime.arrays import Doubles

RECALLS = np.linspace(0.0, 1.0, 101)
CELLS_AT_ONCE = 4_000_000  # of float64: some 32 MB for each temporary array


@dataclass(frozen=True, eq=False)
class PrecisionDraws:
    """What each draw of the images says, in percent, float64 (draws,); nan where a draw has no truth.

    Attributes:
        map: averaged over classes and IoU 0.5:0.95.
        map50: at IoU 0.5.
        map75: at IoU 0.75.
        ar100: the mean of the largest recall.
        classes: the AP of each class, by its category.
    """

    map: Doubles
    map50: Doubles
    map75: Doubles
    ar100: Doubles
    classes: Mapping[int, Doubles]


def mean_average_precision(matches: Matches, weights: Doubles | None = None) -> Doubles:
    """Return the mAP in percent, float64 (draws,), for each row of *weights*; nan if a draw has no truth.

    Args:
        matches: what was matched.
        weights: float64, (draws, images): whole numbers, how often each image counts; None for once each.
    """
    return precision_draws(matches, np.ones((1, matches.images)) if weights is None else weights).map


def precision_draws(matches: Matches, weights: Doubles) -> PrecisionDraws:
    """Return the precisions for each row of *weights*, as `mean_average_precision` takes them."""
    if weights.ndim != 2 or weights.shape[1] != matches.images:
        raise ValueError(f"weights of shape {weights.shape} for {matches.images} images")
    totals, classes = np.zeros((4, len(weights))), np.zeros(len(weights))
    each: dict[int, Doubles] = {}
    for item in matches.classes:
        truths = weights @ item.truth_count
        rows = max(1, CELLS_AT_ONCE // max(1, len(item.image)))
        figures = np.zeros((4, len(weights)))
        for start in range(0, len(weights), rows):
            part = slice(start, start + rows)
            figures[:, part] = _class_figures(item, weights[part], truths[part])
        totals += np.where(truths > 0, figures, 0.0)
        classes += truths > 0
        each[item.category] = np.where(truths > 0, 100.0 * figures[0], np.nan)
    means = np.divide(100.0 * totals, classes, out=np.full_like(totals, np.nan), where=classes > 0)
    return PrecisionDraws(means[0], means[1], means[2], means[3], each)


def _class_figures(item: ClassMatches, weights: Doubles, truths: Doubles) -> Doubles:
    """Return AP, AP at 0.5 and at 0.75, and the largest recall of one class, all in 0..1, float64 (4, draws)."""
    seen_all = np.cumsum(weights[:, item.image], axis=1)
    averages = np.zeros((len(THRESHOLDS), len(weights)))
    recalls = np.zeros(len(weights))
    for number in range(len(THRESHOLDS)):
        averages[number], recall = _at_threshold(item, number, weights, truths, seen_all)
        recalls += recall
    total = np.zeros(len(weights))
    for average in averages:
        total += average
    return np.stack((total / len(THRESHOLDS), averages[0], averages[5], recalls / len(THRESHOLDS)))


def _at_threshold(
    item: ClassMatches, number: int, weights: Doubles, truths: Doubles, seen_all: Doubles
) -> tuple[Doubles, Doubles]:
    """Return the AP and the largest recall of one class at one IoU threshold, in 0..1, float64 (draws,)."""
    matched, ignored = item.matched[number], item.ignored[number]
    places = np.flatnonzero(matched)  # precision peaks, and recall moves, at right detections only
    if not len(places):
        return np.zeros(len(weights)), np.zeros(len(weights))
    each = weights[:, item.image]
    seen = np.cumsum(each * ~ignored, axis=1) if ignored.any() else seen_all
    right = np.cumsum(each[:, places], axis=1)
    precision = right / (seen[:, places] + np.spacing(1.0))
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(truths, 1.0)[:, None]
    reached = np.searchsorted(RECALLS, recall, side="right")
    average = (falling * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return average, recall[:, -1]
