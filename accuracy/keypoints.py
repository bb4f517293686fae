"""Keypoints that models find in a list of images, and COCO's numbers of them by object keypoint similarity (OKS)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import evaluate_rows, found_rows, has_category, pixel_boxes, refuse_other_images, truth_rows
from detlite.accuracy.detect import Detected
from detlite.accuracy.fidelity import TRUTH_SCORE
from detlite.accuracy.labels.annotations import Annotations, Truth
from detlite.accuracy.matching import FoundObjects, Matches, Truths, match
from detlite.accuracy.metric import ClassScore, Scores
from detlite.accuracy.oks import Joints, sigmas_of
from detlite.accuracy.precision import mean_average_precision
from detlite.accuracy.predictions import Concordance, joined_columns
from detlite.accuracy.predictions import refuse_other_images as refuse_other_predictions
from detlite.runtime.arrays import Bools, Doubles
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.keypoints import Keypoints

PRECISIONS = ("map", "map50", "map75", "map_medium", "map_large")
ALL_KEYS = (*PRECISIONS, "ar20", "ar20_at_50", "ar20_at_75", "ar_medium", "ar_large")
"""In the order of `COCOeval.stats`."""

MOST_FOUND = 20
"""COCO's maxDets of keypoints: the best twenty of an image count."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectedKeypoints(Detected):
    """Detections, those of one class with keypoints.

    Attributes:
        points: float32, (n, keypoints, 3): (y, x, score), 0..1 of the image; zeros where the class has none.
        names: of the keypoints.
        number: the class that has them.
    """

    points: NDArray[np.float32]
    names: NDArray[np.str_]
    number: NDArray[np.int64]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.points.shape != (len(self.scores), len(self.names), 3):
            raise InputError(
                f"keypoints of shape {self.points.shape} for {counted(len(self.scores), 'detection')}: want one each"
            )
        if not np.isfinite(self.points).all():
            raise InputError("the model returned keypoints that are not finite numbers: it cannot be scored")

    @property
    def pixels(self) -> Doubles:
        """The (x, y) of each keypoint in pixels of its image, float64 (n, keypoints, 2)."""
        return self.points[..., 1::-1].astype(np.float64) * self.sizes[self.image_index][:, None, ::-1]

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the detections of each image, their `points`, and the `skeleton`, without edges."""
        ends = np.searchsorted(self.image_index, np.arange(len(self.sizes) + 1)).tolist()
        skeleton = {"class": int(self.number), "keypoints": self.names.tolist(), "edges": []}
        for number, record in enumerate(super().records()):
            points = self.points[ends[number] : ends[number + 1]].tolist()
            yield {**record, "points": points, "skeleton": skeleton}

    @classmethod
    def join(cls, parts: Sequence[Detected]) -> DetectedKeypoints:
        """Return the detections in one list of images of the ones in its *parts*."""
        given = [part for part in parts if isinstance(part, DetectedKeypoints)]
        before = np.cumsum([0, *(len(part.sizes) for part in given)])
        index = np.concatenate([part.image_index + first for part, first in zip(given, before, strict=False)])
        columns = joined_columns(given, "boxes", "classes", "scores", "points")
        return cls(**columns, image_index=index, names=given[0].names, number=given[0].number)


def keypoint_scores(detected: DetectedKeypoints, annotations: Annotations, classes: ClassMap) -> Scores:
    """Return COCO's ten numbers of keypoints in percent, and the first five of the class that has them.

    Raises:
        InputError: an image's size is not the annotated one, nothing has keypoints in these images, or the annotations
            name others than the model.
    """
    ours = _of_the_class(detected)
    annotations, category = _annotated(ours.names.tolist(), int(ours.number), annotations, classes)
    refuse_other_images(ours, annotations)
    truths = truth_rows(annotations)
    for row, truth in zip(truths, annotations.truths, strict=True):
        row |= {"keypoints": list(truth.keypoints), "num_keypoints": _labelled(truth)}
    found, points = found_rows(ours, annotations, classes), ours.pixels[has_category(ours, classes)]
    for row, place in zip(found, points, strict=True):
        marked = np.concatenate([place, np.ones((len(place), 1))], axis=1)
        low, high = place.min(axis=0), place.max(axis=0)
        area = float(np.prod(high - low))  # as cocoapi's `loadRes` sets it
        row |= {"keypoints": marked.ravel().tolist(), "area": area}
    evaluation = evaluate_rows(annotations, truths, found, "keypoints", sigmas_of(ours.names.tolist()))
    values = {
        key: None if value < 0 else 100.0 * float(value) for key, value in zip(ALL_KEYS, evaluation.stats, strict=True)
    }
    count = sum(_labelled(truth) > 0 and not truth.crowd for truth in annotations.truths)
    name = dict(annotations.categories)[category]
    each = dict(zip(("ap", "ap50", "ap75", "ap_medium", "ap_large"), (values[key] for key in PRECISIONS), strict=True))
    return Scores(values, (ClassScore(name, count, each),))


def keypoint_matches(detected: DetectedKeypoints, annotations: Annotations, classes: ClassMap) -> Matches:
    """Return the same evaluation image by image, for a bootstrap; `InputError` as `keypoint_scores`."""
    ours = _of_the_class(detected)
    annotations, category = _annotated(ours.names.tolist(), int(ours.number), annotations, classes)
    ids = np.array(sorted(image.id for image in annotations.images))
    places = {image.id: place for place, image in enumerate(annotations.images)}
    order = np.searchsorted(ids, [image.id for image in annotations.images])
    marks = np.array([t.keypoints for t in annotations.truths], np.float64).reshape(-1, len(ours.names), 3)
    truths = Truths(
        image=order[[places[t.image_id] for t in annotations.truths]],
        category=np.array([t.category_id for t in annotations.truths], np.int64),
        boxes=np.array([t.box for t in annotations.truths], np.float64).reshape(-1, 4),
        crowd=np.array([t.crowd for t in annotations.truths], np.bool_),
        areas=np.where((marks[..., 2] > 0).any(axis=1), [t.area for t in annotations.truths], -1.0),
        joints=Joints(
            marks, np.array([t.area for t in annotations.truths], np.float64), sigmas_of(ours.names.tolist())
        ),
    )
    return match(truths, _found(ours, order[ours.image_index], category), len(ids), most=MOST_FOUND)


def keypoint_concordance(found: DetectedKeypoints, reference: DetectedKeypoints) -> Concordance:
    """Return the OKS mAP of a model's keypoints; the truth is a reference's, with scores of at least `TRUTH_SCORE`.

    Raises:
        InputError: the images or the keypoints differ, or the reference finds no object with keypoints.
    """
    refuse_other_predictions(found, reference)
    if found.names.tolist() != reference.names.tolist():
        raise InputError("the two models find other keypoints: only models of the same keypoints can be compared")
    ours, theirs = _with_area(_of_the_class(found)), _with_area(_of_the_class(reference))
    boxes = pixel_boxes(theirs)
    sure = theirs.scores >= np.float32(TRUTH_SCORE)
    if not sure.any():
        raise InputError(
            f"the reference finds no keypoints of an object with a score of at least {TRUTH_SCORE} in these "
            f"{counted(len(reference.sizes), 'image')}: give images of what it was trained to find"
        )
    marks = np.concatenate([theirs.pixels[sure], np.ones((int(sure.sum()), len(theirs.names), 1))], axis=2)
    areas = boxes[sure, 2] * boxes[sure, 3]
    truths = Truths(
        image=theirs.image_index[sure],
        category=theirs.classes[sure],
        boxes=boxes[sure],
        crowd=np.zeros(int(sure.sum()), np.bool_),
        joints=Joints(marks, areas, sigmas_of(theirs.names.tolist())),
    )
    matches = match(truths, _found(ours, ours.image_index, int(theirs.number)), len(reference.sizes))
    return Concordance(
        fidelity=float(mean_average_precision(matches)[0]),
        counts={"images": matches.images, "reference_count": int(sure.sum())},
        weighted=lambda weights: mean_average_precision(matches, weights),
    )


def _found(ours: DetectedKeypoints, image: NDArray[np.int64], category: int) -> FoundObjects:
    boxes = pixel_boxes(ours)
    return FoundObjects(
        image=image,
        category=np.full(len(boxes), category, np.int64),
        boxes=boxes,
        scores=ours.scores.astype(np.float64),
        points=ours.pixels,
    )


def _of_the_class(detected: DetectedKeypoints) -> DetectedKeypoints:
    """Return the detections of the class that has keypoints."""
    return _taken(detected, detected.classes == detected.number)


def _with_area(detected: DetectedKeypoints) -> DetectedKeypoints:
    """Return the detections whose boxes are not empty: similarity is measured by their size."""
    wide: Bools = np.asarray((detected.boxes[:, 2:] > detected.boxes[:, :2]).all(axis=1))
    return _taken(detected, wide)


def _taken(detected: DetectedKeypoints, which: Bools) -> DetectedKeypoints:
    names = ("boxes", "classes", "scores", "image_index", "points")
    return replace(detected, **{name: getattr(detected, name)[which] for name in names})


def check_keypoints(contract: Contract, annotations: Annotations, classes: ClassMap) -> None:
    """Raise `InputError` if *annotations* have other keypoints than the model of *contract*, or none that count."""
    assert isinstance(contract.task, Keypoints)
    _annotated(contract.task.skeleton.names, contract.task.skeleton.number, annotations, classes)


def _annotated(
    ours: Sequence[str], number: int, annotations: Annotations, classes: ClassMap
) -> tuple[Annotations, int]:
    """Return the annotations of the class *number*, which has the keypoints *ours*, and its category."""
    category = classes.category_ids[number]
    names = annotations.keypoint_names.get(category, ())
    if list(names) != list(ours):
        shown = f"{len(names)} ({', '.join(names[:3])} ...)" if names else "no"
        raise InputError(
            f"the annotations have {shown} keypoints of the model's class {number}, and the model {len(ours)} "
            f"({', '.join(ours[:3])} ...): give annotations of the same keypoints, such as "
            "person_keypoints_val2017.json"
        )
    kept = annotations.of_categories(frozenset({category}))
    if not any(_labelled(truth) and not truth.crowd for truth in kept.truths):
        raise InputError(f"no keypoint is annotated in these {counted(len(kept.images), 'image')}: use more")
    for truth in kept.truths:
        if len(truth.keypoints) != 3 * len(names):
            raise InputError(
                f"an annotation of image {truth.image_id} has {counted(len(truth.keypoints), 'number')} of keypoints: "
                f"want x, y and a mark for each of its {counted(len(names), 'keypoint')}"
            )
    return kept, category


def _labelled(truth: Truth) -> int:
    """Return how many of its keypoints are labelled."""
    return sum(mark > 0 for mark in truth.keypoints[2::3])
