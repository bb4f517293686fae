"""What instance segmenters find in a list of images, and COCO's twelve numbers of their masks."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import (
    encoded_truths,
    evaluate_rows,
    found_rows,
    has_category,
    refuse_other_images,
    scores_of,
    truth_rows,
)
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.annotations import Annotations
from detlite.accuracy.matching import Masks
from detlite.accuracy.metric import Scores
from detlite.accuracy.predictions import joined_columns
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import Detections
from detlite.runtime.tasks.instances import InstanceMasks


@dataclass(frozen=True, eq=False, kw_only=True)
class DetectedMasks(Detected):
    """Detections with their masks.

    Attributes:
        masks: float16, (n, rows, columns), in 0..1: each covers its box.
        threshold: a pixel with at least this belongs to the instance.
    """

    masks: NDArray[np.float16]
    threshold: NDArray[np.float64]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.masks.ndim != 3 or len(self.masks) != len(self.scores):
            raise InputError(
                f"masks of shape {self.masks.shape} for {counted(len(self.scores), 'detection')}: want one for each"
            )
        if not np.isfinite(self.masks).all():
            raise InputError("the model returned masks that are not finite numbers: it cannot be scored")

    @cached_property
    def encoded(self) -> Masks:
        """The masks at the sizes of their images, as COCO encodes them: object, (n,)."""
        from faster_coco_eval import mask

        found = np.empty(len(self.scores), np.object_)
        for index, image in enumerate(self.image_index.tolist()):
            one = slice(index, index + 1)
            single = Detections(self.boxes[one], self.classes[one], self.scores[one])
            height, width = self.sizes[image].tolist()
            pixels = InstanceMasks(single, self.masks[one], (height, width), float(self.threshold)).mask(0)
            found[index] = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
        return found

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the detections of each image, and the masks as base64 of little-endian float16."""
        ends = np.searchsorted(self.image_index, np.arange(len(self.sizes) + 1)).tolist()
        for number, record in enumerate(super().records()):
            masks = np.ascontiguousarray(self.masks[ends[number] : ends[number + 1]], "<f2")
            yield {
                **record,
                "masks": base64.b64encode(masks.tobytes()).decode("ascii"),
                "mask_size": list(self.masks.shape[1:]),
                "image_size": self.sizes[number].tolist(),
                "threshold": float(self.threshold),
            }

    @classmethod
    def join(cls, parts: Sequence[Detected]) -> DetectedMasks:
        """Return the detections in one list of images of the ones in its *parts*."""
        masked = [part for part in parts if isinstance(part, DetectedMasks)]
        before = np.cumsum([0, *(len(part.sizes) for part in masked)])
        index = np.concatenate([part.image_index + first for part, first in zip(masked, before, strict=False)])
        columns = joined_columns(masked, "boxes", "classes", "scores", "masks")
        return cls(**columns, image_index=index, threshold=masked[0].threshold)


def mask_scores(detected: DetectedMasks, annotations: Annotations, classes: ClassMap) -> Scores:
    """Return COCO's twelve numbers of the masks in percent, and those of each class.

    Raises:
        InputError: an image's size is not the annotated one, or nothing is annotated in these images.
    """
    from faster_coco_eval import mask

    refuse_other_images(detected, annotations)
    truths = truth_rows(annotations)
    for row, encoded in zip(truths, encoded_truths(annotations), strict=True):
        row["segmentation"] = encoded
    found = found_rows(detected, annotations, classes)
    for row, encoded in zip(found, detected.encoded[has_category(detected, classes)], strict=True):
        row |= {"segmentation": encoded, "area": float(mask.area(encoded))}
    return scores_of(evaluate_rows(annotations, truths, found, "segm"), annotations)
