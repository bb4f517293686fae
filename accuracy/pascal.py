"""Which detections are right by Pascal VOC's rules, with Open Images' group-of boxes.

VOC: each detection, best score first, looks at the one object of its class that it overlaps most. At an IoU of 0.5 it
is right the first time and wrong after that; on a difficult object it does not count (`VOCevaldet.m` of the development
kit; Everingham et al., 2010, 4.2). Open Images: what is not right, and lies to half of its own area in a group-of box,
does not count, or, where the box has a weight, the best of them counts once as right by that weight (the evaluation
page of Open Images; `per_image_evaluation.py` of the TF Object Detection API).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detlite.accuracy.matching import FoundObjects, Truths, iou
from detlite.runtime.arrays import Bools, Doubles, Integers

IOU_THRESHOLD = 0.5
AREAS = {"": (0.0, np.inf), "_small": (0.0, 32.0**2), "_medium": (32.0**2, 96.0**2), "_large": (96.0**2, np.inf)}
"""Square pixels, at least and under, by the ending of a number's name; COCO's three sizes."""


@dataclass(frozen=True, eq=False)
class ClassCredits:
    """The detections of one class that count, best score first.

    Attributes:
        category: the class index.
        image: int64, (n,).
        scores: float64, (n,).
        credit: float64, (n,): 1 for a right one, 0 for a wrong one, the weight for the best one in a group-of box.
        truth_weight: float64, (images,): how many objects are there, a group-of box counting by the weight.
    """

    category: int
    image: Integers
    scores: Doubles
    credit: Doubles
    truth_weight: Doubles


@dataclass(frozen=True, eq=False)
class _Image:
    """What the detections of one class in one image earn: those of them that count, and the groups that were hit."""

    kept: Bools
    credit: Doubles
    group_scores: Doubles


def class_credits(
    truths: Truths,
    group_of: Bools,
    found: FoundObjects,
    images: int,
    *,
    group_weight: float = 0.0,
    area: tuple[float, float] = AREAS[""],
) -> tuple[ClassCredits, ...]:
    """Return the credits of each class that has an object that counts, in the order of the class indices.

    Args:
        truths: the objects; a crowd is a difficult one, which counts neither way.
        group_of: bool, (n,): which of them are boxes around a group.
        found: the detections; those without an area do not count.
        images: how many there are.
        group_weight: what finding a group-of box is worth, and missing one costs; 0: they count neither way.
        area: objects outside are taken for difficult, and wrong detections outside do not count, as in COCO.
    """
    size = truths.boxes[:, 2] * truths.boxes[:, 3]
    ignored = truths.crowd | (size < area[0]) | (size >= area[1])
    real: Bools = np.all(found.boxes[:, 2:] > 0, axis=1)
    order = np.lexsort((-found.scores[real], found.image[real], found.category[real]))
    found = found.take(real).take(order)
    worth = np.where(ignored, 0.0, np.where(group_of, group_weight, 1.0))
    classes = []
    for category in np.unique(truths.category[worth > 0]):
        mine = truths.category == category
        start, stop = np.searchsorted(found.category, (category, category + 1))
        own = replace(truths, crowd=ignored).take(mine)
        image, scores, credit = _earned(own, group_of[mine], found.take(slice(start, stop)), group_weight, area)
        best = np.argsort(-scores, kind="stable")
        weight = np.bincount(own.image, weights=worth[mine], minlength=images).astype(np.float64)
        classes.append(ClassCredits(int(category), image[best], scores[best], credit[best], weight))
    return tuple(classes)


def _earned(
    truths: Truths, group_of: Bools, found: FoundObjects, group_weight: float, area: tuple[float, float]
) -> tuple[Integers, Doubles, Doubles]:
    """Return image, score and credit of what counts of one class; *found* is sorted by image, best score first."""
    kept, credit = np.ones(len(found.scores), np.bool_), np.zeros(len(found.scores))
    extra: list[tuple[int, float]] = []
    for index in np.unique(truths.image):
        start, stop = np.searchsorted(found.image, (index, index + 1))
        if start == stop:
            continue
        inside = truths.image == index
        earned = _earned_in_image(found.take(slice(start, stop)), truths.take(inside), group_of[inside])
        kept[start:stop], credit[start:stop] = earned.kept, earned.credit
        if group_weight > 0:
            extra += [(int(index), score) for score in earned.group_scores.tolist()]
    size = found.boxes[:, 2] * found.boxes[:, 3]
    kept &= (credit > 0) | ((size >= area[0]) & (size < area[1]))
    groups = np.array(extra, dtype=np.float64).reshape(-1, 2)
    return (
        np.concatenate((found.image[kept], groups[:, 0].astype(np.int64))),
        np.concatenate((found.scores[kept], groups[:, 1])),
        np.concatenate((credit[kept], np.full(len(groups), group_weight))),
    )


def _earned_in_image(found: FoundObjects, truths: Truths, group_of: Bools) -> _Image:
    kept, credit = np.ones(len(found.scores), np.bool_), np.zeros(len(found.scores))
    single = np.flatnonzero(~group_of)
    if len(single):
        overlaps = iou(found.boxes, truths.boxes[single], np.zeros(len(single), np.bool_))
        best, taken = single[overlaps.argmax(axis=1)], np.zeros(len(group_of), np.bool_)
        for index in np.flatnonzero(overlaps.max(axis=1) >= IOU_THRESHOLD):
            if truths.crowd[best[index]]:
                kept[index] = False
            elif not taken[best[index]]:
                taken[best[index]], credit[index] = True, 1.0
    groups = np.flatnonzero(group_of)
    scores = np.zeros(len(groups))
    if len(groups):
        # a crowd's union is the detection's own area, which is what lies inside, by area of the detection
        inside = iou(found.boxes, truths.boxes[groups], np.ones(len(groups), np.bool_))
        open_to = kept & (credit == 0) & (inside.max(axis=1) >= IOU_THRESHOLD)
        np.maximum.at(scores, inside.argmax(axis=1)[open_to], found.scores[open_to])
        kept &= ~open_to
    return _Image(kept, credit, scores[(scores > 0) & ~truths.crowd[groups]])
