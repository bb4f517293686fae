"""Non-maximum suppression of boxes that each class has of its own, as the OD API does it for two-stage detectors.

Source of the semantics: `multiclass_non_max_suppression` of the OD API, in `core/post_processing.py`: class by class on
boxes that are not clipped, then all together by score, clipped to the image; a box that has no area left is dropped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence, Tuple

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import clip
from detlite.runtime.boxes.nms import Kept, Nms, regular

WHOLE = (0.0, 0.0, 1.0, 1.0)


def suppress_by_class(
    boxes: Sequence[Floats], scores: Floats, nms: Nms, window: Tuple[float, float, float, float] = WHOLE
) -> Kept:
    """Return the boxes that suppression keeps, the best `nms.max_detections` of all classes.

    Args:
        boxes: float32, (n, 4): (y1, x1, y2, x2), for each class; or one such array for all of them.
        scores: float32, (n, classes), without a background column.
        nms: the settings; at most `detections_per_class` of each class are kept.
        window: where the image is, (y1, x1, y2, x2) in the unit of *boxes*: they are clipped to it.
    """
    alone = replace(nms, max_detections=nms.detections_per_class)
    kept = []
    for number in range(scores.shape[1]):
        found = regular(boxes[number if len(boxes) > 1 else 0], scores[:, number : number + 1], alone)
        kept.append(found._replace(classes=np.full(len(found.scores), number, np.int64)))
    corners: Floats = np.concatenate([one.boxes for one in kept])
    corners = clip(corners, window) if nms.clip else corners
    of_class = np.concatenate([one.classes for one in kept])
    of_score = np.concatenate([one.scores for one in kept])
    rows = np.concatenate([one.rows for one in kept])
    order = np.argsort(-of_score, kind="stable")
    has_area = (corners[order, 2] > corners[order, 0]) & (corners[order, 3] > corners[order, 1])
    best = order[has_area][: nms.max_detections]
    return Kept(corners[best], of_class[best], of_score[best], rows[best])
