"""SSD box coding, and what boxes have in common."""

from __future__ import annotations

import numpy as np

from detlite.runtime.contract import BoxCoder, Floats


def decode(encodings: Floats, anchors: Floats, coder: BoxCoder) -> Floats:
    """Return the boxes of *encodings*: float32 (n, 4), (y1, x1, y2, x2), in the anchors' unit.

    y = ty / y_scale * ha + ya and h = exp(th / height_scale) * ha, x and w likewise (Ren et al., Faster R-CNN, 2015,
    with the scales of the OD API), in float32 and in the order of `DecodeCenterSizeBoxes` of TFLite's op.

    Args:
        encodings: float32, (n, 4): (ty, tx, th, tw).
        anchors: float32, (n, 4): (y centre, x centre, height, width).
        coder: the scales.
    """
    shifts = np.array((coder.y, coder.x), np.float32)
    sizes = np.array((coder.height, coder.width), np.float32)
    centre = encodings[:, :2] / shifts * anchors[:, 2:] + anchors[:, :2]
    half = np.float32(0.5) * np.exp(encodings[:, 2:] / sizes) * anchors[:, 2:]
    return np.concatenate([centre - half, centre + half], axis=1)


def clip(boxes: Floats) -> Floats:
    """Return *boxes* clipped to the image: every coordinate in 0..1."""
    return np.clip(boxes, np.float32(0), np.float32(1))


def iou(box: Floats, others: Floats) -> Floats:
    """Return the IoU of one *box* (4,) with each of *others* (n, 4); 0 where either has no area, as in TFLite's op."""
    y1, x1, y2, x2 = others.T
    zero = np.float32(0)
    shared = np.maximum(np.minimum(y2, box[2]) - np.maximum(y1, box[0]), zero)
    shared *= np.maximum(np.minimum(x2, box[3]) - np.maximum(x1, box[1]), zero)
    theirs = (y2 - y1) * (x2 - x1)
    own = (box[2] - box[0]) * (box[3] - box[1])
    if own <= 0:
        return np.zeros_like(shared)
    union = own + theirs - shared
    result: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=theirs > 0)
    return result
