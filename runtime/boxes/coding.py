"""Box codings, and what boxes have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from detlite.runtime.arrays import Floats
from detlite.runtime.errors import ContractError
from detlite.runtime.fields import check_types, one_of

BOX_CODINGS = ("faster_rcnn", "center_offset")


@dataclass(frozen=True)
class BoxCoder:
    """How boxes are coded, and with what scales; see `decode`.

    *faster_rcnn* is the coding of SSD, too: sizes as logarithms. *center_offset* is CenterNet's: offsets and sizes in
    anchors.
    """

    y: float = 10.0
    x: float = 10.0
    height: float = 5.0
    width: float = 5.0
    coding: str = "faster_rcnn"

    def __post_init__(self) -> None:
        check_types(self)
        one_of("the box coding", self.coding, BOX_CODINGS)
        scales = (self.y, self.x, self.height, self.width)
        if not all(math.isfinite(s) and s > 0 for s in scales):
            raise ContractError(f"box coder scales {scales}: all must be finite and over 0")


def decode(encodings: Floats, anchors: Floats, coder: BoxCoder) -> Floats:
    """Return the boxes of *encodings*: float32 (n, 4), (y1, x1, y2, x2), in the anchors' unit.

    y = ty / y_scale * ha + ya and h = exp(th / height_scale) * ha, x and w likewise (Ren et al., Faster R-CNN, 2015,
    with the scales of the OD API). Like `DecodeCenterSizeBoxes` of TFLite's op it computes centres and half sizes in
    double, rounds them to float32, and adds those: boxes are then the op's, and so is what overlaps. A size too large
    for float32 becomes infinite.

    Of *center_offset*, h = th / height_scale * ha, and 0 where that is negative (Zhou et al., Objects as Points, 2019,
    as the OD API's `prediction_tensors_to_boxes` has it).

    Args:
        encodings: float32, (n, 4): (ty, tx, th, tw).
        anchors: float32, (n, 4): (y centre, x centre, height, width).
        coder: the scales.
    """
    shifts = np.array((coder.y, coder.x), np.float32)
    sizes = np.array((coder.height, coder.width), np.float32)
    centres, extents = anchors[:, :2], anchors[:, 2:]
    with np.errstate(over="ignore", invalid="ignore"):
        centre = (encodings[:, :2].astype(np.float64) / shifts * extents + centres).astype(np.float32)
        relative = encodings[:, 2:].astype(np.float64) / sizes
        relative = np.exp(relative) if coder.coding == "faster_rcnn" else np.maximum(relative, 0)
        half = (0.5 * relative * extents).astype(np.float32)
        return np.concatenate([centre - half, centre + half], axis=1)


def clip(boxes: Floats, window: Optional[Tuple[float, float, float, float]] = None) -> Floats:
    """Return *boxes* clipped to the image: every coordinate in 0..1, or in *window*, (y1, x1, y2, x2)."""
    if window is None:
        return np.clip(boxes, np.float32(0), np.float32(1))
    low, high = np.array(window[:2] * 2, np.float32), np.array(window[2:] * 2, np.float32)
    return np.clip(boxes, low, high)


def iou(boxes: Floats, others: Floats) -> Floats:
    """Return the IoU of each of *boxes* (m, 4) with each of *others* (n, 4): float32 (m, n); (n,) for one box (4,).

    0 where either has no area, and not a number where a coordinate is none, as in TFLite's op.
    """
    ours, theirs = np.moveaxis(boxes[..., None, :], -1, 0), others.T
    zero = np.float32(0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        shared = np.maximum(np.minimum(theirs[2], ours[2]) - np.maximum(theirs[0], ours[0]), zero)
        shared *= np.maximum(np.minimum(theirs[3], ours[3]) - np.maximum(theirs[1], ours[1]), zero)
        own, other = ((side[2] - side[0]) * (side[3] - side[1]) for side in (ours, theirs))
        result: Floats = np.divide(shared, own + other - shared, out=shared)
    result[(own <= 0) | (other <= 0)] = zero
    return result
