"""Non-maximum suppression as TFLite's `TFLite_Detection_PostProcess` does it, fast and regular, in numpy.

Source of the semantics: tensorflow/lite/kernels/detection_postprocess.cc. A box goes when its IoU with a kept one is
over the threshold; a score counts when it is at least the score threshold; equal scores keep their order (class, then
anchor).
"""

from __future__ import annotations

from typing import Iterator

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.boxes import clip, iou
from detlite.runtime.contract import Floats, Nms
from detlite.runtime.detections import Detections

Indices = NDArray[np.intp]

FIRST_CHUNK = 256  # candidates that are sorted at first: most images need no more for 100 detections


def suppress(boxes: Floats, scores: Floats, nms: Nms) -> Detections:
    """Return what is left of all boxes.

    Args:
        boxes: float32, (n, 4): (y1, x1, y2, x2).
        scores: float32, (n, classes), without a background column.
        nms: the settings.
    """
    clipped = clip(boxes) if nms.clip else boxes
    return fast(clipped, scores, nms) if nms.kind == "fast" else regular(clipped, scores, nms)


def regular(boxes: Floats, scores: Floats, nms: Nms) -> Detections:
    """Suppress class by class and keep the best `max_detections` of all; see `suppress`."""
    by_class = scores.T.ravel()  # class-major, so that equal scores come in the op's order
    anchors = max(len(boxes), 1)
    greedy = _Greedy(boxes, nms, per_class=min(nms.detections_per_class, nms.max_detections))
    for chunk in _descending(by_class, nms.score_threshold):
        greedy.take(chunk % anchors, chunk // anchors)
        if greedy.count >= nms.max_detections:
            break
    anchor, classes = greedy.kept()
    return Detections(boxes[anchor], classes.astype(np.int64), by_class[classes * anchors + anchor])


def fast(boxes: Floats, scores: Floats, nms: Nms) -> Detections:
    """Suppress all classes together by each anchor's best score; see `suppress`.

    Each kept box is returned with its best `max_classes_per_detection` classes, best first, as the op does.
    """
    count = min(nms.max_classes_per_detection, scores.shape[1])
    best = scores.max(axis=1, initial=-np.inf)
    greedy = _Greedy(boxes, nms, per_class=nms.max_detections)
    for chunk in _descending(best, nms.score_threshold):
        greedy.take(chunk, np.zeros_like(chunk))
        if greedy.count >= nms.max_detections:
            break
    anchor, _one = greedy.kept()
    classes = np.argsort(-scores[anchor], axis=1, kind="stable")[:, :count]
    chosen = np.take_along_axis(scores[anchor], classes, axis=1)
    return Detections(boxes[anchor].repeat(count, axis=0), classes.ravel().astype(np.int64), chosen.ravel())


def _descending(scores: Floats, threshold: float) -> Iterator[Indices]:
    """Yield the indices of *scores* of at least *threshold*, best first, in chunks that grow: few want them all."""
    left = np.flatnonzero(scores >= np.float32(threshold))
    size = FIRST_CHUNK
    while len(left) > size:
        values = scores[left]
        cut = np.partition(values, len(left) - size)[len(left) - size]
        chunk = values >= cut  # all that are equal to the last one too: no tie is split
        yield _sorted(left[chunk], scores)
        left, size = left[~chunk], size * 4
    yield _sorted(left, scores)


def _sorted(indices: Indices, scores: Floats) -> Indices:
    return indices[np.argsort(-scores[indices], kind="stable")]


class _Greedy:
    """Greedy suppression within classes, fed with candidates best first."""

    def __init__(self, boxes: Floats, nms: Nms, *, per_class: int) -> None:
        self._boxes = boxes
        self._iou = np.float32(nms.iou_threshold)
        self._most, self._per_class = nms.max_detections, per_class
        self._anchors = np.empty(nms.max_detections, np.intp)
        self._classes = np.empty(nms.max_detections, np.intp)
        self.count = 0

    def kept(self) -> tuple[Indices, Indices]:
        """Return the anchors and the classes that were kept, in the order in which they were."""
        return self._anchors[: self.count], self._classes[: self.count]

    def take(self, anchors: Indices, classes: Indices) -> None:
        """Keep of the candidates, which are worse than all before them, those that nothing suppresses."""
        boxes = self._boxes[anchors]
        alive = self._not_suppressed_before(boxes, classes)
        for i in range(len(anchors)):
            if not alive[i]:
                continue
            self._anchors[self.count], self._classes[self.count] = anchors[i], classes[i]
            self.count += 1
            if self.count >= self._most:
                return
            same = i + 1 + np.flatnonzero((classes[i + 1 :] == classes[i]) & alive[i + 1 :])
            if len(same):
                full = np.count_nonzero(self._classes[: self.count] == classes[i]) >= self._per_class
                alive[same] = False if full else iou(boxes[i], boxes[same]) <= self._iou

    def _not_suppressed_before(self, boxes: Floats, classes: Indices) -> NDArray[np.bool_]:
        alive = np.ones(len(boxes), np.bool_)
        for kept_class in np.unique(self._classes[: self.count]):
            same = np.flatnonzero(classes == kept_class)
            kept = self._anchors[: self.count][self._classes[: self.count] == kept_class]
            if len(kept) >= self._per_class:
                alive[same] = False
                continue
            for anchor in kept:
                alive[same] &= iou(self._boxes[anchor], boxes[same]) <= self._iou
        return alive
