"""Non-maximum suppression as TFLite's `TFLite_Detection_PostProcess` does it, fast and regular, in numpy.

Source of the semantics: tflite/kernels/detection_postprocess.cc of LiteRT. A box goes when its IoU with a kept one is
over the threshold; a score counts when it is at least the score threshold; equal scores keep their order: by class,
then by anchor.

Regular suppression is done for all classes at once, best score first: whether a box is kept depends on the better ones
of its class alone, so the result is that of one class after the other, and it ends when enough boxes are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from detlite.runtime.arrays import Floats, Integers
from detlite.runtime.boxes.coding import clip, iou
from detlite.runtime.boxes.scores import PLACES
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

Indices = NDArray[np.intp]

NMS_KINDS = ("fast", "regular", "peaks")

FIRST_CHUNK = 256  # candidates that are sorted at first: many images need no more for 100 detections
PEAK_MARGIN = np.float32(1e-6)  # the OD API's PEAK_EPSILON
BLOCK = 96  # candidates that are compared with each other at once


@dataclass(frozen=True)
class Nms:
    """Non-maximum suppression, in the terms of `TFLite_Detection_PostProcess`.

    *fast* suppresses all classes together, each anchor with its best `max_classes_per_detection`; *regular*
    suppresses class by class, at most `detections_per_class` each, and keeps the best `max_detections` of all;
    *peaks* compares no boxes: it keeps scores that no neighbour of the 3 x 3 *cells* (rows, columns) around exceeds.
    *clip* clips boxes to the image first, as the TensorFlow graphs do and the op does not. *place* says who
    does it: the op in the model, or the host. *clip_in_op* says that operators before an op must clip, too, because the
    original compares clipped boxes wherever it runs.
    """

    place: str = "host"
    kind: str = "regular"
    score_threshold: float = 0.01
    iou_threshold: float = 0.6
    max_detections: int = 100
    max_classes_per_detection: int = 1
    detections_per_class: int = 100
    clip: bool = True
    cells: Optional[Tuple[int, int]] = None
    clip_in_op: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        if (self.kind == "peaks") is not (self.cells is not None):
            raise ContractError(f"NMS {self.kind} with cells {self.cells}: peaks, and no other, has cells")
        one_of("where NMS is done", self.place, PLACES)
        one_of("the kind of NMS", self.kind, NMS_KINDS)
        if not (0 <= self.score_threshold <= 1 and 0 < self.iou_threshold <= 1):
            raise ContractError(
                f"score threshold {self.score_threshold} and IoU threshold {self.iou_threshold}: want 0 to 1"
            )
        counts = (self.max_detections, self.max_classes_per_detection, self.detections_per_class)
        if not all(1 <= c <= 100_000 for c in counts):
            raise ContractError(f"detections, classes per detection, per class {counts}: want 1 to 100000 each")


class Kept(NamedTuple):
    """What suppression keeps, best score first.

    Attributes:
        boxes: float32, (k, 4): (y1, x1, y2, x2), clipped where the settings say so.
        classes: int64, (k,): the column of each one's score.
        scores: float32, (k,).
        rows: (k,): which of all boxes each is.
    """

    boxes: Floats
    classes: Integers
    scores: Floats
    rows: Indices


def suppress(boxes: Floats, scores: Floats, nms: Nms) -> Kept:
    """Return the boxes that suppression keeps.

    Args:
        boxes: float32, (n, 4): (y1, x1, y2, x2).
        scores: float32, (n, classes), without a background column.
        nms: the settings.
    """
    clipped = clip(boxes) if nms.clip else boxes
    if nms.kind == "peaks":
        return peaks(clipped, scores, nms)
    return fast(clipped, scores, nms) if nms.kind == "fast" else regular(clipped, scores, nms)


def regular(boxes: Floats, scores: Floats, nms: Nms) -> Kept:
    """Suppress class by class and keep the best `max_detections` of all; see `suppress`."""
    anchor, klass = _greedy(boxes, scores, nms, per_class=nms.detections_per_class)
    return Kept(boxes[anchor], klass.astype(np.int64), scores[anchor, klass], anchor)


def fast(boxes: Floats, scores: Floats, nms: Nms) -> Kept:
    """Suppress all classes together by each anchor's best score; see `suppress`.

    Each kept box is returned with its best `max_classes_per_detection` classes, best first. Where two classes of one
    box have the same score, the lower comes first; the op leaves their order open.
    """
    count = min(nms.max_classes_per_detection, scores.shape[1])
    best = scores.max(axis=1, keepdims=True)
    anchor, _one = _greedy(boxes, best, nms, per_class=nms.max_detections)
    classes = np.argsort(-scores[anchor], axis=1, kind="stable")[:, :count]
    chosen = np.take_along_axis(scores[anchor], classes, axis=1)
    rows = anchor.repeat(count)
    return Kept(boxes[rows], classes.ravel().astype(np.int64), chosen.ravel(), rows)


def peaks(boxes: Floats, scores: Floats, nms: Nms) -> Kept:
    """Keep each class's local maxima among the 3 x 3 cells around; see `suppress`.

    A cell as good as its best neighbour is kept too, to within `PEAK_MARGIN`, as the OD API does; equal scores keep
    the order of their cells, then of their classes. Source: Zhou et al., Objects as Points, 2019.
    """
    rows, columns = nms.cells or (0, 0)
    best = best_around(scores.reshape(rows, columns, -1)).reshape(scores.shape)
    reached = (best - scores < PEAK_MARGIN) & (scores >= np.float32(nms.score_threshold))
    anchor, klass = np.nonzero(reached)
    order = np.argsort(-scores[anchor, klass], kind="stable")[: nms.max_detections]
    anchor, klass = anchor[order], klass[order]
    return Kept(boxes[anchor], klass.astype(np.int64), scores[anchor, klass], anchor)


def best_around(grid: Floats) -> Floats:
    """Return for each cell of (rows, columns, classes) the best of the 3 x 3 cells around it, itself among them."""
    best = grid.copy()
    np.maximum(best[1:], grid[:-1], out=best[1:])
    np.maximum(best[:-1], grid[1:], out=best[:-1])
    whole = best.copy()
    np.maximum(whole[:, 1:], best[:, :-1], out=whole[:, 1:])
    np.maximum(whole[:, :-1], best[:, 1:], out=whole[:, :-1])
    return whole


def _greedy(boxes: Floats, scores: Floats, nms: Nms, *, per_class: int) -> Tuple[Indices, Indices]:
    """Return the anchors and the classes that are kept, best first."""
    kept = _Suppression(boxes, nms, per_class)
    for anchors, classes in _descending(scores, np.float32(nms.score_threshold)):
        for begin in range(0, len(anchors), BLOCK):
            kept.take(anchors[begin : begin + BLOCK], classes[begin : begin + BLOCK])
            if kept.is_full:
                return kept.arrays()
    return kept.arrays()


def _descending(scores: Floats, threshold: np.float32) -> Iterator[Tuple[Indices, Indices]]:
    """Yield the anchors and classes of all *scores* of at least *threshold*, best first, in chunks that grow."""
    cut = _reached_by_some(scores, threshold)
    yield _sorted(scores, *np.nonzero(scores >= cut))
    if cut <= threshold:
        return
    anchors, classes = np.nonzero((scores < cut) & (scores >= threshold))
    size = 4 * FIRST_CHUNK
    while len(anchors) > size:
        values = scores[anchors, classes]
        chunk = values >= np.partition(values, len(values) - size)[len(values) - size]  # with all ties: none is split
        yield _sorted(scores, anchors[chunk], classes[chunk])
        anchors, classes, size = anchors[~chunk], classes[~chunk], size * 4
    yield _sorted(scores, anchors, classes)


def _reached_by_some(scores: Floats, threshold: np.float32) -> np.float32:
    """Return a score that `FIRST_CHUNK` of *scores* reach, and few more: found in one pass, without sorting."""
    count = len(scores)
    if count <= FIRST_CHUNK:
        return threshold
    best = scores.max(axis=1)
    best[~(best >= threshold)] = threshold  # and what is not a number
    cut: np.float32 = np.partition(best, count - FIRST_CHUNK)[count - FIRST_CHUNK]
    return cut


def _sorted(scores: Floats, anchors: Indices, classes: Indices) -> Tuple[Indices, Indices]:
    order = np.lexsort((anchors, classes, -scores[anchors, classes]))
    return anchors[order], classes[order]


class _Suppression:
    """What is kept so far, by candidates that come best first."""

    def __init__(self, boxes: Floats, nms: Nms, per_class: int) -> None:
        self._boxes, self._iou = boxes, np.float32(nms.iou_threshold)
        self._most, self._per_class = nms.max_detections, per_class
        self._anchors: List[int] = []
        self._classes: List[int] = []
        self._counts: Dict[int, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether as many are kept as are wanted."""
        return len(self._anchors) >= self._most

    def arrays(self) -> Tuple[Indices, Indices]:
        """Return the anchors and the classes, in the order in which they were kept."""
        return np.array(self._anchors, np.intp), np.array(self._classes, np.intp)

    def take(self, anchors: Indices, classes: Indices) -> None:
        """Keep of some candidates, which are no better than all before them, those that nothing suppresses."""
        gone = self._overlap(*self.arrays(), anchors, classes).any(axis=0)
        anchors, classes = anchors[~gone], classes[~gone]
        # whom each would suppress, one bit for each candidate: Python's integers are fast at that
        rows = np.packbits(self._overlap(anchors, classes, anchors, classes), axis=1, bitorder="little")
        suppressed = 0
        for i, (anchor, klass) in enumerate(zip(anchors.tolist(), classes.tolist())):
            if suppressed >> i & 1 or self._counts.get(klass, 0) >= self._per_class:
                continue
            self._anchors.append(anchor)
            self._classes.append(klass)
            self._counts[klass] = self._counts.get(klass, 0) + 1
            if self.is_full:
                return
            suppressed |= int.from_bytes(rows[i].tobytes(), "little")

    def _overlap(self, anchors: Indices, classes: Indices, other: Indices, other_classes: Indices) -> NDArray[np.bool_]:
        """Return which of the *other* boxes each suppresses: those of its class with an IoU over the threshold."""
        over = iou(self._boxes[anchors], self._boxes[other]) > self._iou  # false for what is not a number, as in the op
        over &= classes[:, None] == other_classes
        return over
