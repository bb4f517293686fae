"""COCO's twelve numbers, computed by faster-coco-eval, in percent as the field quotes them."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.annotations import Annotations, RunLengths
from detlite.accuracy.matching import EVERY_SIZE, AreaRange, FoundObjects, Masks, Matches, Truths, match_by_size
from detlite.accuracy.metric import ClassScore, Scores
from detlite.accuracy.precision import mean_average_precision, precision_draws, recall_draws
from detlite.runtime.arrays import Bools, Doubles
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

KEYS = (
    "map",
    "map50",
    "map75",
    "map_small",
    "map_medium",
    "map_large",
    "ar1",
    "ar10",
    "ar100",
    "ar_small",
    "ar_medium",
    "ar_large",
)
"""In the order of `COCOeval.stats`."""

SIZES = ("all", "all", "all", "small", "medium", "large")
IOUS = ("0.50:0.95", "0.50", "0.75", *("0.50:0.95",) * 3)
MOST_FOUND = (1, 10, 100, 100, 100, 100)
AREAS = {
    "small": AreaRange(0.0, 32.0**2),
    "medium": AreaRange(32.0**2, 96.0**2),
    "large": AreaRange(96.0**2, np.inf),
}
"""COCO's sizes of objects, in square pixels."""


def coco_titles() -> Mapping[str, str]:
    """Return what `COCOeval.summarize` calls each of the `KEYS`."""
    precision = (
        f"Average Precision  (AP) @[ IoU={iou:<9} | area={size:>6} | maxDets=100 ]"
        for iou, size in zip(IOUS, SIZES, strict=True)
    )
    recall = (
        f"Average Recall     (AR) @[ IoU=0.50:0.95 | area={size:>6} | maxDets={most:>3} ]"
        for size, most in zip(SIZES, MOST_FOUND, strict=True)
    )
    return dict(zip(KEYS, (*precision, *recall), strict=True))


Metrics = Mapping[str, float | None]
Rows = list[dict[str, object]]


def coco_metrics(detected: Detected, annotations: Annotations, classes: ClassMap) -> Metrics:
    """Return the numbers of `KEYS` in percent, 0..100; None if no annotated object has that size.

    Args:
        detected: its images are those of *annotations*, in the same order.
        annotations: the ground truth.
        classes: the category of each class.

    Raises:
        InputError: an image's size is not the annotated one, or nothing is annotated in these images.
    """
    return _numbers(_evaluated(detected, annotations, classes))


def coco_scores(detected: Detected, annotations: Annotations, classes: ClassMap) -> Scores:
    """Return the same numbers, and for each class `ap`, `ap50` and `ap75` and `ap` by size; as `coco_metrics`."""
    return scores_of(_evaluated(detected, annotations, classes), annotations)


def scores_of(evaluation: Any, annotations: Annotations) -> Scores:
    """Return the twelve numbers of a finished `COCOeval`, and those of each class of *annotations*."""
    names = dict(annotations.categories)
    counted = Counter(truth.category_id for truth in annotations.truths if not truth.crowd)
    precision = np.asarray(evaluation.eval["precision"])[..., -1]  # thresholds, recalls, classes, sizes; 100 detections
    rows = (
        ClassScore(names[int(identity)], counted[int(identity)], _of_class(precision[:, :, place]))
        for place, identity in enumerate(evaluation.params.catIds)
        if counted[int(identity)]
    )
    return Scores(_numbers(evaluation), tuple(rows))


def _of_class(precision: NDArray[np.float64]) -> Mapping[str, float | None]:
    """Return the numbers of one class, from its precision at (thresholds, recalls, sizes); -1 if it has none."""
    parts = {"ap": precision[..., 0], "ap50": precision[0, :, 0], "ap75": precision[5, :, 0]}
    parts |= {f"ap_{size}": precision[..., place] for place, size in enumerate(("small", "medium", "large"), 1)}
    return {key: 100.0 * float(part.mean()) if part.min() >= 0 else None for key, part in parts.items()}


def _numbers(evaluation: Any) -> Metrics:
    values = zip(KEYS, evaluation.stats, strict=True)
    return {key: None if value < 0 else 100.0 * float(value) for key, value in values}


def prepare_coco() -> None:
    """Import the evaluator and use it once: its first use takes longer, which need not be when detections wait."""
    box: dict[str, object] = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}
    frame = {"images": [{"id": 1, "height": 9, "width": 9}], "categories": [{"id": 1, "name": "thing"}]}
    _run(frame, [box], [{**box, "score": 1.0}])


def _evaluated(detected: Detected, annotations: Annotations, classes: ClassMap) -> Any:
    refuse_other_images(detected, annotations)
    return evaluate_rows(annotations, truth_rows(annotations), found_rows(detected, annotations, classes))


def evaluate_rows(
    annotations: Annotations, truths: Rows, found: Rows, kind: str = "bbox", sigmas: Doubles | None = None
) -> Any:
    """Return the finished `COCOeval` of the rows *truths* and *found*, by their *kind*: `bbox`, `segm` or `keypoints`.

    Those of keypoints have *sigmas*, float64 (keypoints,).
    """
    frame = {
        "images": [{"id": i.id, "height": i.height, "width": i.width} for i in annotations.images],
        "categories": [{"id": i, "name": name} for i, name in annotations.categories],
    }
    was_enabled = gc.isenabled()
    gc.disable()  # a row for each detection, none of them garbage: looking through them takes a quarter of the time
    try:
        return _run(frame, truths, found, kind, sigmas)
    finally:
        if was_enabled:
            gc.enable()


def _run(
    frame: Mapping[str, object], truths: Rows, found: Rows, kind: str = "bbox", sigmas: Doubles | None = None
) -> Any:
    from faster_coco_eval import COCO, COCOeval_faster

    known, other = (COCO({**frame, "annotations": rows}) for rows in (truths, found))
    given = None if sigmas is None else sigmas.tolist()
    evaluation = COCOeval_faster(known, other, kind, kpt_oks_sigmas=given)
    evaluation.run()
    return evaluation


def coco_matches(detected: Detected, annotations: Annotations, classes: ClassMap) -> Matches:
    """Return the same evaluation image by image, for a bootstrap; `InputError` as `coco_metrics`.

    The images stand in the order of their ids, as in COCOeval: it decides between equal scores.
    """
    return _matches(detected, annotations, classes, (EVERY_SIZE,))[0]


def coco_draws(
    detected: Detected, annotations: Annotations, classes: ClassMap, weights: Doubles
) -> Mapping[str, Doubles]:
    """Return each of the `KEYS` but `map`, and `ap:NAME` of each class, in percent, for each row of *weights*."""
    every, *sized = _matches(detected, annotations, classes, (EVERY_SIZE, *AREAS.values()))
    found = precision_draws(every, weights)
    draws = {"map50": found.map50, "map75": found.map75}
    draws |= {f"ar{most}": recall_draws(every, weights, most=most) for most in MOST_FOUND[:3]}
    for size, matches in zip(AREAS, sized, strict=True):
        draws[f"map_{size}"] = mean_average_precision(matches, weights)
        draws[f"ar_{size}"] = recall_draws(matches, weights, most=MOST_FOUND[-1])
    names = dict(annotations.categories)
    return {**draws, **{f"ap:{names[identity]}": each for identity, each in found.classes.items()}}


def _matches(
    detected: Detected, annotations: Annotations, classes: ClassMap, sizes: Sequence[AreaRange]
) -> tuple[Matches, ...]:
    refuse_other_images(detected, annotations)
    ids = np.array(sorted(image.id for image in annotations.images))
    image, category, boxes, scores = found_arrays(detected, annotations, classes)
    truths = Truths(
        image=np.searchsorted(ids, [t.image_id for t in annotations.truths]).astype(np.int64),
        category=np.array([t.category_id for t in annotations.truths], dtype=np.int64),
        boxes=np.array([t.box for t in annotations.truths], dtype=np.float64).reshape(-1, 4),
        crowd=np.array([t.crowd for t in annotations.truths], dtype=np.bool_),
        masks=None if detected.encoded is None else encoded_truths(annotations),
        areas=np.array([t.area for t in annotations.truths], dtype=np.float64),
    )
    masks = None if detected.encoded is None else detected.encoded[has_category(detected, classes)]
    found = FoundObjects(np.searchsorted(ids, image).astype(np.int64), category, boxes, scores, masks)
    return match_by_size(truths, found, len(ids), sizes)


def pixel_boxes(detected: Detected) -> NDArray[np.float64]:
    """Return COCO's (x, y, width, height) in pixels of the original images, float64 (n, 4)."""
    y1, x1, y2, x2 = detected.boxes.astype(np.float64).T
    height, width = detected.sizes[detected.image_index].astype(np.float64).T
    return np.stack((x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height), axis=1)


def refuse_other_images(detected: Detected, annotations: Annotations) -> None:
    """Raise `InputError` if the images are not those that were annotated, or nothing is annotated in them."""
    if len(detected.sizes) != len(annotations.images):
        raise InputError(
            f"detections in {counted(len(detected.sizes), 'image')} for "
            f"{counted(len(annotations.images), 'annotated one')}"
        )
    for image, (height, width) in zip(annotations.images, detected.sizes, strict=True):
        if (image.height, image.width) != (height, width):
            raise InputError(
                f"{image.file_name} is {height} x {width} pixels (height x width), its annotations are for "
                f"{image.height} x {image.width}: give the images that were annotated"
            )
    if all(truth.crowd for truth in annotations.truths):
        raise InputError(f"no object is annotated in these {counted(len(annotations.images), 'image')}: use more")


def truth_rows(annotations: Annotations) -> Rows:
    """Return the annotated objects as rows of COCO's annotations, with boxes and areas."""
    # numbered anew from 1: COCOeval takes a match with annotation 0 for no match
    return [
        {
            "id": number,
            "image_id": truth.image_id,
            "category_id": truth.category_id,
            "bbox": list(truth.box),
            "area": truth.area,
            "iscrowd": int(truth.crowd),
        }
        for number, truth in enumerate(annotations.truths, start=1)
    ]


def found_rows(detected: Detected, annotations: Annotations, classes: ClassMap) -> Rows:
    """Return the detections whose class has a category as rows of COCO's annotations, with scores."""
    columns = (array.tolist() for array in found_arrays(detected, annotations, classes))
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "score": score,
        }
        for number, (image, category, box, score) in enumerate(zip(*columns, strict=True), start=1)
    ]


def found_arrays(
    detected: Detected, annotations: Annotations, classes: ClassMap
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return image ids, category ids, boxes in pixels and scores of the detections whose class has a category."""
    category = _categories(detected, classes)
    image = np.array([image.id for image in annotations.images], dtype=np.int64)[detected.image_index]
    kept = category >= 0
    return image[kept], category[kept], pixel_boxes(detected)[kept], detected.scores[kept].astype(np.float64)


def has_category(detected: Detected, classes: ClassMap) -> Bools:
    """Return which of the detections have a class with a category: bool, (n,)."""
    kept: Bools = _categories(detected, classes) >= 0
    return kept


def _categories(detected: Detected, classes: ClassMap) -> NDArray[np.int64]:
    table = np.array(classes.category_ids, dtype=np.int64)
    if len(detected.classes) and not 0 <= detected.classes.min() <= detected.classes.max() < len(table):
        raise InputError(f"the model found class {detected.classes.max()}, and has {counted(len(table), 'label')}")
    category: NDArray[np.int64] = table[detected.classes]
    return category


def encoded_truths(annotations: Annotations) -> Masks:
    """Return the masks of the annotated objects as COCO encodes them: object, (n,).

    Raises:
        InputError: an object has no mask.
    """
    from faster_coco_eval import mask

    sizes = {image.id: (image.height, image.width) for image in annotations.images}
    found = np.empty(len(annotations.truths), np.object_)
    for number, truth in enumerate(annotations.truths):
        if truth.mask is None:
            raise InputError(f"object {number} of the annotations has no mask: give annotations with segmentations")
        height, width = sizes[truth.image_id]
        if isinstance(truth.mask, RunLengths):
            runs = {"size": list(truth.mask.size), "counts": list(truth.mask.counts)}
            found[number] = mask.frPyObjects(runs, height, width)
        else:
            found[number] = mask.merge(mask.frPyObjects([list(one) for one in truth.mask], height, width))
    return found
