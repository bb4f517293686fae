"""Which detections are right: COCO's greedy matching, kept image by image so that images can be drawn again.

The rules are those of `COCOeval.evaluateImg` in cocoapi: per image and class, best score first, each detection takes
the free truth with the highest IoU that is at least the threshold; a crowd takes any number and makes them ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Bools, Doubles, Integers

THRESHOLDS = np.linspace(0.5, 0.95, 10)
Masks = NDArray[np.object_]

DETECTIONS_PER_CLASS = 100  # COCO's maxDets: the best hundred of a class in an image count


@dataclass(frozen=True, eq=False)
class Truths:
    """Objects that are there: image and class index int64 (n,), (x, y, width, height) float64 (n, 4), crowd (n,).

    *masks* are COCO's encoded masks, object (n,); None where boxes are compared.
    """

    image: Integers
    category: Integers
    boxes: Doubles
    crowd: Bools
    masks: Masks | None = None

    def take(self, which: Bools | Integers | slice) -> Truths:
        """Return those that *which* chooses: places, a mask or a slice."""
        masks = None if self.masks is None else self.masks[which]
        return Truths(self.image[which], self.category[which], self.boxes[which], self.crowd[which], masks)


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """Objects that were found: as `Truths`, with scores float64 (n,)."""

    image: Integers
    category: Integers
    boxes: Doubles
    scores: Doubles
    masks: Masks | None = None

    def take(self, which: Bools | Integers | slice) -> FoundObjects:
        """Return those that *which* chooses: places, a mask or a slice."""
        masks = None if self.masks is None else self.masks[which]
        return FoundObjects(self.image[which], self.category[which], self.boxes[which], self.scores[which], masks)


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The detections of one class in all images, best score first.

    Attributes:
        category: the class index.
        image: int64, (n,).
        scores: float64, (n,).
        matched: bool, (thresholds, n): took a truth.
        ignored: bool, (thresholds, n): took a crowd, and counts neither way.
        truth_count: int64, (images,): the truths, crowds apart, of each image.
    """

    category: int
    image: Integers
    scores: Doubles
    matched: Bools
    ignored: Bools
    truth_count: Integers


@dataclass(frozen=True)
class Matches:
    """The matches of all classes that have a truth, in a number of images."""

    images: int
    classes: tuple[ClassMatches, ...]


def match(truths: Truths, found: FoundObjects, images: int) -> Matches:
    """Return which of *found* are right, at each IoU of `THRESHOLDS`.

    Equal scores keep their order inside an image, and the order of the images between them.
    """
    classes = []
    for category in np.unique(truths.category[~truths.crowd]):
        here, there = truths.category == category, found.category == category
        classes.append(_match_class(truths.take(here), found.take(there), images))
    return Matches(images, tuple(classes))


def _match_class(truths: Truths, found: FoundObjects, images: int) -> ClassMatches:
    order = np.lexsort((-found.scores, found.image))
    image = found.image[order]
    rank = np.arange(len(image)) - np.searchsorted(image, image, side="left")
    order = order[rank < DETECTIONS_PER_CLASS]
    found = found.take(order)
    image = found.image
    matched = np.zeros((len(THRESHOLDS), len(order)), dtype=np.bool_)
    ignored = np.zeros_like(matched)
    for index in np.unique(truths.image):
        start, stop = np.searchsorted(image, (index, index + 1))
        if start < stop:
            inside = truths.image == index
            overlaps = _overlaps(found.take(slice(start, stop)), truths.take(inside))
            took, lost = _match_image(overlaps, truths.crowd[inside])
            matched[:, start:stop], ignored[:, start:stop] = took, lost
    counts = np.bincount(truths.image[~truths.crowd], minlength=images).astype(np.int64)
    best = np.argsort(-found.scores, kind="stable")
    return ClassMatches(
        category=int(truths.category[0]),
        image=image[best],
        scores=found.scores[best],
        matched=matched[:, best],
        ignored=ignored[:, best],
        truth_count=counts,
    )


def _overlaps(found: FoundObjects, truths: Truths) -> Doubles:
    """Return the IoU of each of *found* with each of *truths*: of their masks where they have them, else of boxes."""
    if found.masks is None or truths.masks is None:
        return iou(found.boxes, truths.boxes, truths.crowd)
    from faster_coco_eval import mask

    overlaps: Doubles = mask.iou(list(found.masks), list(truths.masks), truths.crowd.astype(np.uint8).tolist())
    return overlaps.reshape(len(found.scores), len(truths.crowd))


def iou(found: Doubles, truths: Doubles, crowd: Bools) -> Doubles:
    """Return the IoU of each (x, y, width, height) of *found* with each of *truths*, float64 (n, m).

    For a crowd the union is the detection's own area, as in `bbIou` of cocoapi.
    """
    corner = np.maximum(found[:, None, :2], truths[None, :, :2])
    far = np.minimum((found[:, :2] + found[:, 2:])[:, None], (truths[:, :2] + truths[:, 2:])[None])
    sides = np.maximum(far - corner, 0.0)
    shared = sides[..., 0] * sides[..., 1]
    own = (found[:, 2] * found[:, 3])[:, None]
    union = np.where(crowd[None], own, own + (truths[:, 2] * truths[:, 3])[None] - shared)
    ratio: Doubles = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    return ratio


def _match_image(overlaps: Doubles, crowd: Bools) -> tuple[Bools, Bools]:
    """Return (matched, ignored), each (thresholds, n), for detections in falling order of score."""
    matched = np.zeros((len(THRESHOLDS), len(overlaps)), dtype=np.bool_)
    ignored = np.zeros_like(matched)
    free = np.tile(~crowd, (len(THRESHOLDS), 1))
    rows = np.arange(len(THRESHOLDS))
    for index in np.flatnonzero((overlaps >= THRESHOLDS[0]).any(axis=1)):
        enough = overlaps[index] >= THRESHOLDS[:, None]
        open_to = np.where(free & enough, overlaps[index], -1.0)
        # of equal overlaps the last truth wins: cocoapi moves on when the next is not less
        best = open_to.shape[1] - 1 - np.argmax(open_to[:, ::-1], axis=1)
        hit = open_to[rows, best] >= 0
        free[rows[hit], best[hit]] = False
        matched[:, index] = hit
        ignored[:, index] = ~hit & (enough & crowd).any(axis=1)
    return matched, ignored
