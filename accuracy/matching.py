"""Which detections are right: COCO's greedy matching, kept image by image so that images can be drawn again.

The rules are those of `COCOeval.evaluateImg` in cocoapi: per image and class, best score first, each detection takes
the free truth with the highest IoU that is at least the threshold; a crowd takes any number and makes them ignored.
Where one size of objects is asked for, a truth of another size takes one detection, only after the truths that count,
and makes it ignored; so is a detection of another size that took nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.oks import Joints, similarity
from detlite.runtime.arrays import Bools, Doubles, Integers

THRESHOLDS = np.linspace(0.5, 0.95, 10)
Masks = NDArray[np.object_]

DETECTIONS_PER_CLASS = 100  # COCO's maxDets: the best hundred of a class in an image count


@dataclass(frozen=True)
class AreaRange:
    """Sizes of objects: areas in square pixels, both ends included."""

    low: float
    high: float

    def leaves_out(self, area: Doubles) -> Bools:
        """Return which of *area* are not inside: bool, (n,)."""
        outside: Bools = (area < self.low) | (area > self.high)
        return outside


EVERY_SIZE = AreaRange(0.0, np.inf)


@dataclass(frozen=True, eq=False)
class Truths:
    """Objects that are there: image and class index int64 (n,), (x, y, width, height) float64 (n, 4), crowd (n,).

    *masks* are COCO's encoded masks, object (n,), and *joints* keypoints; both None where boxes are compared. *areas*
    are float64 (n,), in square pixels; None for those of the boxes, and below 0 for what counts neither way.
    """

    image: Integers
    category: Integers
    boxes: Doubles
    crowd: Bools
    masks: Masks | None = None
    areas: Doubles | None = None
    joints: Joints | None = None

    @property
    def area(self) -> Doubles:
        """The area of each, in square pixels, float64 (n,)."""
        return _box_areas(self.boxes) if self.areas is None else self.areas

    def take(self, which: Bools | Integers | slice) -> Truths:
        """Return the objects that *which* chooses: places, a mask or a slice."""
        masks = None if self.masks is None else self.masks[which]
        areas = None if self.areas is None else self.areas[which]
        joints = None if self.joints is None else self.joints.take(which)
        return Truths(
            self.image[which], self.category[which], self.boxes[which], self.crowd[which], masks, areas, joints
        )


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """Objects that were found: as `Truths`, with scores float64 (n,), and *points* float64 (n, keypoints, 2)."""

    image: Integers
    category: Integers
    boxes: Doubles
    scores: Doubles
    masks: Masks | None = None
    points: Doubles | None = None

    @property
    def area(self) -> Doubles:
        """The area of each mask, or of each box where there are no masks, in square pixels, float64 (n,)."""
        if self.masks is None:
            return _box_areas(self.boxes)
        from faster_coco_eval import mask

        return np.asarray(mask.area(list(self.masks)), dtype=np.float64).reshape(len(self.masks))

    def take(self, which: Bools | Integers | slice) -> FoundObjects:
        """Return the objects that *which* chooses: places, a mask or a slice."""
        masks = None if self.masks is None else self.masks[which]
        points = None if self.points is None else self.points[which]
        return FoundObjects(
            self.image[which], self.category[which], self.boxes[which], self.scores[which], masks, points
        )


@dataclass(frozen=True, eq=False)
class ClassMatches:
    """The detections of one class in all images, best score first.

    Attributes:
        category: the class index.
        image: int64, (n,).
        scores: float64, (n,).
        matched: bool, (thresholds, n): took a truth.
        ignored: bool, (thresholds, n): took a crowd or is of another size, and counts neither way.
        truth_count: int64, (images,): the truths that count, crowds apart, of each image.
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


def match(truths: Truths, found: FoundObjects, images: int, *, most: int = DETECTIONS_PER_CLASS) -> Matches:
    """Return which of *found* are right, at each IoU of `THRESHOLDS`; the *most* best of a class in an image count.

    Equal scores keep their order inside an image, and the order of the images between them.
    """
    return match_by_size(truths, found, images, (EVERY_SIZE,), most=most)[0]


def match_by_size(
    truths: Truths,
    found: FoundObjects,
    images: int,
    sizes: Sequence[AreaRange],
    *,
    most: int = DETECTIONS_PER_CLASS,
) -> tuple[Matches, ...]:
    """Return the same for each of *sizes*, as if objects of other sizes were neither right nor wrong."""
    classes = []
    for category in np.unique(truths.category[~truths.crowd]):
        here, there = truths.category == category, found.category == category
        classes.append(_match_class(truths.take(here), _best(found.take(there), most), images, sizes))
    return tuple(Matches(images, tuple(each[place] for each in classes)) for place in range(len(sizes)))


def _best(found: FoundObjects, most: int) -> FoundObjects:
    """Return the *most* best of each image, image by image."""
    order = np.lexsort((-found.scores, found.image))
    image = found.image[order]
    rank = np.arange(len(image)) - np.searchsorted(image, image, side="left")
    return found.take(order[rank < most])


def _match_class(
    truths: Truths, found: FoundObjects, images: int, sizes: Sequence[AreaRange]
) -> tuple[ClassMatches, ...]:
    outside = np.stack([size.leaves_out(truths.area) for size in sizes])
    matched, ignored = _matched(truths, found, outside)
    best = np.argsort(-found.scores, kind="stable")
    rows = []
    for place, size in enumerate(sizes):
        took, other = matched[place], ~matched[place] & size.leaves_out(found.area)
        counted = truths.image[~truths.crowd & ~outside[place]]
        rows.append(
            ClassMatches(
                category=int(truths.category[0]),
                image=found.image[best],
                scores=found.scores[best],
                matched=took[:, best],
                ignored=(ignored[place] | other)[:, best],
                truth_count=np.bincount(counted, minlength=images).astype(np.int64),
            )
        )
    return tuple(rows)


def _matched(truths: Truths, found: FoundObjects, outside: Bools) -> tuple[Bools, Bools]:
    """Return (matched, ignored), each (sizes, thresholds, n), of one class; *found* by image, best score first."""
    matched = np.zeros((len(outside), len(THRESHOLDS), len(found.scores)), dtype=np.bool_)
    ignored = np.zeros_like(matched)
    for index in np.unique(truths.image):
        start, stop = np.searchsorted(found.image, (index, index + 1))
        if start < stop:
            inside = truths.image == index
            overlaps = _overlaps(found.take(slice(start, stop)), truths.take(inside))
            took, lost = _match_image(overlaps, truths.crowd[inside], outside[:, inside])
            matched[..., start:stop], ignored[..., start:stop] = took, lost
    return matched, ignored


def _overlaps(found: FoundObjects, truths: Truths) -> Doubles:
    """Return the IoU of each of *found* with each of *truths*: OKS of keypoints, or IoU of masks, or of boxes."""
    if found.points is not None and truths.joints is not None:
        return similarity(found.points, truths.joints, truths.boxes)
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


def _match_image(overlaps: Doubles, crowd: Bools, outside: Bools) -> tuple[Bools, Bools]:
    """Return (matched, ignored), each (sizes, thresholds, n), for detections in falling order of score.

    *outside*, (sizes, truths), says which truths are of another size.
    """
    shape = (len(outside), len(THRESHOLDS), len(overlaps))
    thresholds = np.tile(THRESHOLDS, len(outside))[:, None]
    uncounted = np.repeat(outside | crowd, len(THRESHOLDS), axis=0)
    matched = np.zeros((len(thresholds), len(overlaps)), dtype=np.bool_)
    ignored = np.zeros_like(matched)
    free = np.ones((len(thresholds), len(crowd)), dtype=np.bool_)
    for index in np.flatnonzero((overlaps >= THRESHOLDS[0]).any(axis=1)):
        open_to = np.where(free & (overlaps[index] >= thresholds), overlaps[index], -1.0)
        hit = _take_best(np.where(uncounted, -1.0, open_to), free)
        matched[:, index] = hit
        left = np.where(uncounted & ~hit[:, None], open_to, -1.0)
        ignored[:, index] = _take_best(left, free)
        free |= crowd  # it takes any number
    return matched.reshape(shape), ignored.reshape(shape)


def _take_best(overlaps: Doubles, free: Bools) -> Bools:
    """Return in which rows a truth has an overlap of at least 0, and mark the best of each as taken in *free*."""
    # of equal overlaps the last truth wins: cocoapi moves on when the next is not less
    best = overlaps.shape[1] - 1 - np.argmax(overlaps[:, ::-1], axis=1)
    rows = np.arange(len(overlaps))
    hit: Bools = overlaps[rows, best] >= 0
    free[rows[hit], best[hit]] = False
    return hit


def _box_areas(boxes: Doubles) -> Doubles:
    areas: Doubles = boxes[:, 2] * boxes[:, 3]
    return areas
