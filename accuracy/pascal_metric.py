"""What the metrics of Pascal VOC and of Open Images share: rules, curve, and numbers per class and per size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import found_arrays, refuse_other_images
from detlite.accuracy.detect import Detected
from detlite.accuracy.interpolation import Average, average_precision, mean_over_classes
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.matching import FoundObjects, Truths
from detlite.accuracy.metric import ClassScore, Metric, Scores
from detlite.accuracy.pascal import AREAS, IOU_THRESHOLD, ClassCredits, class_credits
from detlite.runtime.arrays import Bools, Doubles, Integers

SIZES = "COCO's: objects of another size are taken for difficult, wrong detections of another size do not count"


@dataclass(frozen=True)
class Pascal:
    """A metric by Pascal VOC's rules.

    Attributes:
        average: how the curve becomes one number.
        group_weight: what a group-of box counts.
        verified_only: whether classes of which nobody said anything in an image are left out there.
    """

    average: Average
    group_weight: float = 0.0
    verified_only: bool = False

    def score(self, detected: Detected, annotations: Annotations, classes: ClassMap) -> Scores:
        """Return `map`, the same by size, and `ap` of each class; `InputError` if the images are others."""
        everything = np.ones((1, len(annotations.images)))
        names, numbers = dict(annotations.categories), {}
        per_class: dict[int, dict[str, float | None]] = {}
        truths: dict[int, float] = {}
        for ending, area in AREAS.items():
            items = self._credits(detected, annotations, classes, area)
            mean = mean_over_classes(items, everything, self.average)[0]
            numbers[f"map{ending}"] = None if np.isnan(mean) else float(mean)
            for item in items:
                truths.setdefault(item.category, float(item.truth_weight.sum()))
                value = 100.0 * float(average_precision(item, everything, self.average)[0])
                per_class.setdefault(item.category, {f"ap{key}": None for key in AREAS})[f"ap{ending}"] = value
        rows = (ClassScore(names[key], truths[key], value) for key, value in per_class.items())
        return Scores(numbers, tuple(rows))

    def weighted(self, detected: Detected, annotations: Annotations, classes: ClassMap, weights: Doubles) -> Doubles:
        """Return the mAP for each row of *weights*."""
        return mean_over_classes(self._credits(detected, annotations, classes, AREAS[""]), weights, self.average)

    def weighted_others(
        self, detected: Detected, annotations: Annotations, classes: ClassMap, weights: Doubles
    ) -> Mapping[str, Doubles]:
        """Return the mAP by size, and `ap:NAME` of each class, in percent, for each row of *weights*."""
        names, drawn = dict(annotations.categories), {}
        for ending, area in AREAS.items():
            items = self._credits(detected, annotations, classes, area)
            if ending:
                drawn[f"map{ending}"] = mean_over_classes(items, weights, self.average)
                continue
            for item in items:
                drawn[f"ap:{names[item.category]}"] = 100.0 * average_precision(item, weights, self.average)
        return drawn

    def _credits(
        self, detected: Detected, annotations: Annotations, classes: ClassMap, area: tuple[float, float]
    ) -> tuple[ClassCredits, ...]:
        refuse_other_images(detected, annotations)
        truths, group_of = _truths(annotations)
        found = _found(detected, annotations, classes)
        if self.verified_only:
            found = _verified(found, truths, annotations)
        images = len(annotations.images)
        return class_credits(truths, group_of, found, images, group_weight=self.group_weight, area=area)


def pascal_metric(
    title: str, source: str, takes: tuple[str, ...], rules: Pascal, protocol: Mapping[str, object]
) -> Metric[Detected, Annotations]:
    """Return the metric of these *rules*."""
    return Metric(
        title=title,
        source=source,
        task="detection",
        takes=takes,
        numbers=tuple(f"map{ending}" for ending in AREAS),
        titles={
            f"map{ending}": f"Mean Average Precision (mAP) @[ IoU=0.50 | area={ending[1:] or 'all':>6} ]"
            for ending in AREAS
        },
        protocol={"iou_threshold": IOU_THRESHOLD, "average": rules.average.__name__, "sizes": SIZES, **protocol},
        score=rules.score,
        weighted=rules.weighted,
        weighted_others=rules.weighted_others,
        needs_verified=rules.verified_only,
    )


def _places(annotations: Annotations, ids: Integers) -> Integers:
    listed = np.array([image.id for image in annotations.images], dtype=np.int64)
    order = np.argsort(listed)
    places: Integers = order[np.searchsorted(listed, ids, sorter=order)].astype(np.int64)
    return places


def _truths(annotations: Annotations) -> tuple[Truths, Bools]:
    rows = annotations.truths
    truths = Truths(
        image=_places(annotations, np.array([t.image_id for t in rows], dtype=np.int64)),
        category=np.array([t.category_id for t in rows], dtype=np.int64),
        boxes=np.array([t.box for t in rows], dtype=np.float64).reshape(-1, 4),
        crowd=np.array([t.crowd for t in rows], dtype=np.bool_),
    )
    return truths, np.array([t.group_of for t in rows], dtype=np.bool_)


def _found(detected: Detected, annotations: Annotations, classes: ClassMap) -> FoundObjects:
    image, category, boxes, scores = found_arrays(detected, annotations, classes)
    return FoundObjects(_places(annotations, image), category, boxes, scores)


def _verified(found: FoundObjects, truths: Truths, annotations: Annotations) -> FoundObjects:
    """Leave out detections of classes that nobody spoke of in their image: no label, and no box."""
    number = {image.id: place for place, image in enumerate(annotations.images)}
    known = {(number[image], category) for image, category in annotations.verified}
    known |= set(zip(truths.image.tolist(), truths.category.tolist(), strict=True))
    pairs = zip(found.image.tolist(), found.category.tolist(), strict=True)
    kept = np.fromiter((pair in known for pair in pairs), dtype=np.bool_, count=len(found.image))
    return found.take(kept)
