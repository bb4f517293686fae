"""Average precision as COCO accumulates it, for many weightings of the images at once.

`COCOeval.accumulate` in cocoapi: precision made falling, read at 101 recalls, averaged over classes with a truth and
over IoU 0.5:0.95. An image with weight 2 counts as if it were there twice, which is what a bootstrap needs.
"""

from __future__ import annotations

import numpy as np

from detlite.accuracy.matching import THRESHOLDS, ClassMatches, Matches
from detlite.runtime.arrays import Doubles

RECALLS = np.linspace(0.0, 1.0, 101)
CELLS_AT_ONCE = 4_000_000  # of float64: some 32 MB for each temporary array


def mean_average_precision(matches: Matches, weights: Doubles | None = None) -> Doubles:
    """Return the mAP in percent, float64 (draws,), for each row of *weights*; nan if a draw has no truth.

    Args:
        matches: what was matched.
        weights: float64, (draws, images): whole numbers, how often each image counts; None for once each.
    """
    if weights is None:
        weights = np.ones((1, matches.images))
    if weights.ndim != 2 or weights.shape[1] != matches.images:
        raise ValueError(f"weights of shape {weights.shape} for {matches.images} images")
    total, classes = np.zeros(len(weights)), np.zeros(len(weights))
    for item in matches.classes:
        truths = weights @ item.truth_count
        rows = max(1, CELLS_AT_ONCE // max(1, len(item.image)))
        for start in range(0, len(weights), rows):
            part = slice(start, start + rows)
            total[part] += np.where(truths[part] > 0, _class_average(item, weights[part], truths[part]), 0.0)
        classes += truths > 0
    means: Doubles = np.divide(100.0 * total, classes, out=np.full(len(weights), np.nan), where=classes > 0)
    return means


def _class_average(item: ClassMatches, weights: Doubles, truths: Doubles) -> Doubles:
    """Return the AP in 0..1 of one class, averaged over the thresholds, float64 (draws,)."""
    each = weights[:, item.image]
    seen_all = np.cumsum(each, axis=1)
    total = np.zeros(len(weights))
    for matched, ignored in zip(item.matched, item.ignored, strict=True):
        places = np.flatnonzero(matched)  # precision peaks, and recall moves, at right detections only
        if not len(places):
            continue
        seen = np.cumsum(each * ~ignored, axis=1) if ignored.any() else seen_all
        right = np.cumsum(each[:, places], axis=1)
        precision = right / (seen[:, places] + np.spacing(1.0))
        falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = right / np.maximum(truths, 1.0)[:, None]
        reached = np.searchsorted(RECALLS, recall, side="right")
        total += (falling * np.diff(reached, axis=1, prepend=0)).sum(axis=1) / len(RECALLS)
    return total / len(THRESHOLDS)
