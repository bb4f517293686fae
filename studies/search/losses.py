"""Losses against the float model's detections, by size, class and image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import coco_metrics, pixel_boxes
from detlite.accuracy.detect import Detected
from detlite.accuracy.fidelity import TRUTH_SCORE, fidelity_matches
from detlite.accuracy.labels.annotations import AnnotatedImage, Annotations, Truth
from detlite.accuracy.matching import Matches
from detlite.accuracy.precision import mean_average_precision

SIZES = {"small": "map_small", "medium": "map_medium", "large": "map_large"}
"""COCO's: areas under 32 x 32 pixels, under 96 x 96, and over."""


@dataclass(frozen=True)
class ClassLoss:
    """The fidelity of one class in percent, and the float model's number of detections of it."""

    label: str
    fidelity: float
    count: int


@dataclass(frozen=True)
class ImageLoss:
    """The numbers of lost and new detections in one image."""

    image: int
    gone: int
    new: int


@dataclass(frozen=True)
class Losses:
    """Fidelity by size (None if the float model finds none), by class and by image, the worst first."""

    by_size: dict[str, float | None]
    by_class: tuple[ClassLoss, ...]
    by_image: tuple[ImageLoss, ...]


def losses(found: Detected, reference: Detected, labels: Sequence[str]) -> Losses:
    """Return the losses of *found* against *reference*, the float model's detections; `InputError` as `fidelity`."""
    matches = fidelity_matches(found, reference)
    classes = ClassMap(tuple(range(1, len(labels) + 1)), "position")
    metrics = coco_metrics(found, _as_annotations(reference, labels), classes)
    return Losses(
        by_size={size: metrics[key] for size, key in SIZES.items()},
        by_class=tuple(sorted(_classes(matches, labels), key=lambda one: (one.fidelity, -one.count))),
        by_image=tuple(sorted(_images(matches), key=lambda one: (-one.gone - one.new, one.image))),
    )


def _classes(matches: Matches, labels: Sequence[str]) -> list[ClassLoss]:
    return [
        ClassLoss(
            labels[item.category],
            float(mean_average_precision(Matches(matches.images, (item,)))[0]),
            int(item.truth_count.sum()),
        )
        for item in matches.classes
    ]


def _images(matches: Matches) -> list[ImageLoss]:
    gone, new = np.zeros(matches.images, int), np.zeros(matches.images, int)
    for item in matches.classes:
        sure = item.scores >= np.float32(TRUTH_SCORE)
        right = np.bincount(item.image[sure & item.matched[0]], minlength=matches.images)
        gone += item.truth_count - right
        new += np.bincount(item.image[sure & ~item.matched[0]], minlength=matches.images)
    return [ImageLoss(index, int(gone[index]), int(new[index])) for index in range(matches.images)]


def _as_annotations(reference: Detected, labels: Sequence[str]) -> Annotations:
    """Return the confident detections of *reference* as ground truth."""
    boxes = pixel_boxes(reference)
    sure = (reference.scores >= np.float32(TRUTH_SCORE)) & (boxes[:, 2:] > 0).all(axis=1)
    columns = (reference.image_index, reference.classes, boxes)
    rows = zip(*(column[sure].tolist() for column in columns), strict=True)
    sizes = reference.sizes.tolist()
    return Annotations(
        images=tuple(AnnotatedImage(i, f"{i}", height, width) for i, (height, width) in enumerate(sizes)),
        truths=tuple(Truth(image, klass + 1, tuple(box), box[2] * box[3], False) for image, klass, box in rows),
        categories=tuple((index + 1, label) for index, label in enumerate(labels)),
        sha256="",
    )
