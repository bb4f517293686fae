"""Average precision as Pascal VOC accumulates it, for many weightings of the images at once.

Of 2007: the mean of the best precision at eleven recalls, 0, 0.1 ... 1; since 2010: the area under the falling curve
(`VOCap.m` of each development kit). The recalls are tenths exactly, as the paper has them (Everingham et al., 2010,
4.2): programs that step by 0.1 in floating point land above 0.3, and numpy's `arange` above 0.6 and 0.7 too, and miss a
recall that lies right there. On forty images of VOC 2007 that has cost 0.2 % mAP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from detlite.accuracy.pascal import ClassCredits
from detlite.runtime.arrays import Doubles

CELLS_AT_ONCE = 2_000_000  # of float64: some 16 MB for each temporary array
Average = Callable[[Doubles, Doubles], Doubles]


def eleven_point(precision: Doubles, recall: Doubles) -> Doubles:
    """Return the AP in 0..1 of 2007, float64 (draws,); both (draws, n), precision made falling."""
    total = np.zeros(len(recall))
    for tenth in range(11):
        reached = recall >= tenth / 10
        first = reached.argmax(axis=1)
        total += np.where(reached.any(axis=1), precision[np.arange(len(recall)), first], 0.0)
    return total / 11


def area_under_curve(precision: Doubles, recall: Doubles) -> Doubles:
    """Return the AP in 0..1 of 2010, float64 (draws,); both (draws, n), precision made falling."""
    area: Doubles = (np.diff(recall, axis=1, prepend=0.0) * precision).sum(axis=1)
    return area


def average_precision(item: ClassCredits, weights: Doubles, average: Average) -> Doubles:
    """Return the AP in 0..1 of one class, float64 (draws,); nan if a draw has no object of it."""
    found = np.full(len(weights), np.nan)
    truths = weights @ item.truth_weight
    rows = max(1, CELLS_AT_ONCE // max(1, len(item.image)))
    for start in range(0, len(weights), rows):
        part = np.flatnonzero(truths[start : start + rows] > 0) + start
        found[part] = _average(item, weights[part], truths[part], average) if len(item.image) else 0.0
    return found


def _average(item: ClassCredits, weights: Doubles, truths: Doubles, average: Average) -> Doubles:
    each = weights[:, item.image]
    right = np.cumsum(each * item.credit, axis=1)
    wrong = np.cumsum(each * (item.credit <= 0), axis=1)
    seen = right + wrong
    precision = np.divide(right, seen, out=np.zeros_like(right), where=seen > 0)
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return average(falling, right / truths[:, None])


def mean_over_classes(items: Sequence[ClassCredits], weights: Doubles, average: Average) -> Doubles:
    """Return the mAP in percent, float64 (draws,), over the classes that each draw has; nan if it has none."""
    total, classes = np.zeros(len(weights)), np.zeros(len(weights))
    for item in items:
        each = average_precision(item, weights, average)
        total += np.nan_to_num(each)
        classes += ~np.isnan(each)
    mean: Doubles = np.divide(100.0 * total, classes, out=np.full(len(weights), np.nan), where=classes > 0)
    return mean
