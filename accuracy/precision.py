"""Average precision as COCO accumulates it, for many weightings of the images at once.

`COCOeval.accumulate` in cocoapi: precision made falling, read at 101 recalls, averaged over classes with a truth and
over IoU 0.5:0.95. An image with weight 2 counts as if it were there twice, which is what a bootstrap needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from detlite.accuracy.matching import THRESHOLDS, ClassMatches, Matches
from detlite.runtime.arrays import Doubles, Integers
from detlite.runtime.counts import counted

RECALLS = np.linspace(0.0, 1.0, 101)
CELLS_AT_ONCE = 4_000_000  # of float64: some 32 MB for each temporary array


@dataclass(frozen=True, eq=False)
class PrecisionDraws:
    """What each draw of the images says, in percent, float64 (draws,); nan where a draw has no truth.

    Attributes:
        map: averaged over classes and IoU 0.5:0.95.
        map50: at IoU 0.5.
        map75: at IoU 0.75.
        classes: the AP of each class, by its category.
    """

    map: Doubles
    map50: Doubles
    map75: Doubles
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
    _check_weights(matches, weights)
    totals, classes = np.zeros((3, len(weights))), np.zeros(len(weights))
    each: dict[int, Doubles] = {}
    for item in map(_without_ignored, matches.classes):
        truths = weights @ item.truth_count
        rows = max(1, CELLS_AT_ONCE // max(1, len(item.image)))
        figures = np.zeros((3, len(weights)))
        for start in range(0, len(weights), rows):
            part = slice(start, start + rows)
            figures[:, part] = _class_figures(item, weights[part], truths[part])
        totals += np.where(truths > 0, figures, 0.0)
        classes += truths > 0
        each[item.category] = np.where(truths > 0, 100.0 * figures[0], np.nan)
    means = _mean_in_percent(totals, classes)
    return PrecisionDraws(means[0], means[1], means[2], each)


def recall_draws(matches: Matches, weights: Doubles, *, most: int) -> Doubles:
    """Return the mean over classes and IoU 0.5:0.95 of the largest recall, as `mean_average_precision` does.

    *most* detections of a class count in each image, best score first: 1, 10 and 100 are COCO's.
    """
    _check_weights(matches, weights)
    total, classes = np.zeros(len(weights)), np.zeros(len(weights))
    for item in matches.classes:
        truths = weights @ item.truth_count
        right = item.matched & (_rank_in_image(item.image) < most)
        counts = np.stack([np.bincount(item.image[each], minlength=matches.images) for each in right])
        recall = (weights @ counts.T.astype(np.float64)).mean(axis=1) / np.maximum(truths, 1.0)
        total += np.where(truths > 0, recall, 0.0)
        classes += truths > 0
    return _mean_in_percent(total, classes)


def _check_weights(matches: Matches, weights: Doubles) -> None:
    if weights.ndim != 2 or weights.shape[1] != matches.images:
        raise ValueError(f"weights of shape {weights.shape} for {counted(matches.images, 'image')}")


def _mean_in_percent(totals: Doubles, classes: Doubles) -> Doubles:
    return np.divide(100.0 * totals, classes, out=np.full_like(totals, np.nan), where=classes > 0)


def _without_ignored(item: ClassMatches) -> ClassMatches:
    """Return *item* without the detections that count neither way at any threshold: of one size, most of them."""
    kept = ~item.ignored.all(axis=0)
    if kept.all():
        return item
    return replace(
        item,
        image=item.image[kept],
        scores=item.scores[kept],
        matched=item.matched[:, kept],
        ignored=item.ignored[:, kept],
    )


def _rank_in_image(image: Integers) -> Integers:
    """Return how many entries of the same image come before each, int64 (n,)."""
    order = np.argsort(image, kind="stable")
    ordered = image[order]
    rank = np.empty(len(image), dtype=np.int64)
    rank[order] = np.arange(len(image)) - np.searchsorted(ordered, ordered, side="left")
    return rank


def _class_figures(item: ClassMatches, weights: Doubles, truths: Doubles) -> Doubles:
    """Return AP, and AP at 0.5 and at 0.75, of one class, all in 0..1, float64 (3, draws)."""
    each = weights[:, item.image]
    seen_all = np.cumsum(each, axis=1)
    averages = [_at_threshold(item, number, each, truths, seen_all) for number in range(len(THRESHOLDS))]
    total = np.zeros(len(weights))
    for average in averages:
        total += average
    return np.stack((total / len(THRESHOLDS), averages[0], averages[5]))


def _at_threshold(item: ClassMatches, number: int, each: Doubles, truths: Doubles, seen_all: Doubles) -> Doubles:
    """Return the AP of one class at one IoU threshold, in 0..1, float64 (draws,)."""
    places = np.flatnonzero(item.matched[number])  # precision peaks, and recall moves, at right detections only
    if not len(places):
        return np.zeros(len(each))
    seen = seen_all[:, places]
    lost = np.flatnonzero(item.ignored[number])
    if len(lost):
        lost_before = np.pad(np.cumsum(each[:, lost], axis=1), ((0, 0), (1, 0)))
        seen = seen - lost_before[:, np.searchsorted(lost, places)]
    right = np.cumsum(each[:, places], axis=1)
    precision = right / (seen + np.spacing(1.0))
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = right / np.maximum(truths, 1.0)[:, None]
    reached = np.searchsorted(RECALLS, recall, side="right")
    average: Doubles = (falling * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return average
