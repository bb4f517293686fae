"""Fidelity of detectors: the mAP of one artifact's detections with another's as the truth. It needs no labels.

It shows what quantization did far more clearly than mAP against labels: the noise of labels and of hard images, the
same for both, cancels out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.accuracy.bootstrap import SEED, Interval, bootstrap_map
from detlite.accuracy.coco import pixel_boxes
from detlite.accuracy.detect import Detected
from detlite.accuracy.matching import FoundObjects, Matches, Truths, match
from detlite.accuracy.precision import mean_average_precision
from detlite.accuracy.predictions import Concordance, refuse_other_images
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

TRUTH_SCORE = 0.3  # the least score with which a detection of the reference counts as a truth


@dataclass(frozen=True)
class Fidelity:
    """How far one artifact's detections are those of the reference.

    Attributes:
        fidelity: mAP in percent, IoU 0.5:0.95, over the classes that the reference found.
        images: how many.
        classes: how many the reference found; the others are left out.
        reference_count: how many detections of the reference have a score of at least `TRUTH_SCORE`.
        found_count: how many such detections the artifact has, in these classes.
        matched_count: how many detections of both are the same: the same class, and an IoU of at least 0.5.
        interval: of a bootstrap over the images, where one was asked for.
    """

    fidelity: float
    images: int
    classes: int
    reference_count: int
    found_count: int
    matched_count: int
    interval: Interval | None = None


def fidelity(
    found: Detected, reference: Detected, *, draws: int = 0, seed: int = SEED, groups: Sequence[int] | None = None
) -> Fidelity:
    """Return how far *found* agrees with *reference*, on the same images in the same order.

    *groups* tells images of one photograph, as `draw_images` takes it.

    Raises:
        InputError: the images differ, or the reference is sure of nothing in them.
    """
    matches = fidelity_matches(found, reference)
    interval = bootstrap_map(matches, draws=draws, seed=seed, groups=groups) if draws else None
    return Fidelity(fidelity=float(mean_average_precision(matches)[0]), interval=interval, **_counts(matches))


def detection_concordance(found: Detected, reference: Detected) -> Concordance:
    """Return `fidelity` as the agreement of two detectors."""
    matches = fidelity_matches(found, reference)
    return Concordance(
        fidelity=float(mean_average_precision(matches)[0]),
        counts=_counts(matches),
        weighted=lambda weights: mean_average_precision(matches, weights),
    )


def _counts(matches: Matches) -> dict[str, int]:
    sure = [item.scores >= np.float32(TRUTH_SCORE) for item in matches.classes]
    pairs = zip(matches.classes, sure, strict=True)
    return {
        "images": matches.images,
        "classes": len(matches.classes),
        "reference_count": sum(int(item.truth_count.sum()) for item in matches.classes),
        "found_count": sum(int(mask.sum()) for mask in sure),
        "matched_count": sum(int((item.matched[0] & mask).sum()) for item, mask in pairs),
    }


def fidelity_matches(found: Detected, reference: Detected) -> Matches:
    """Return what of *found* the reference found too; `InputError` as `fidelity`."""
    refuse_other_images(found, reference)
    boxes = pixel_boxes(reference)
    sure = (reference.scores >= np.float32(TRUTH_SCORE)) & (boxes[:, 2:] > 0).all(axis=1)  # an empty box has no IoU
    if not sure.any():
        raise InputError(
            f"the reference finds nothing with a score of at least {TRUTH_SCORE} in these "
            f"{counted(len(reference.sizes), 'image')}: give images of what it was trained to find"
        )
    truths = Truths(
        image=reference.image_index[sure],
        category=reference.classes[sure],
        boxes=boxes[sure],
        crowd=np.zeros(int(sure.sum()), dtype=np.bool_),
        masks=None if reference.encoded is None else reference.encoded[sure],
    )
    found_boxes = pixel_boxes(found)
    real = (found_boxes[:, 2:] > 0).all(axis=1)
    others = FoundObjects(
        image=found.image_index[real],
        category=found.classes[real],
        boxes=found_boxes[real],
        scores=found.scores[real].astype(np.float64),
        masks=None if found.encoded is None else found.encoded[real],
    )
    return match(truths, others, len(reference.sizes))
