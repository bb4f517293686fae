"""The anchors and box coder scales of a graph, measured by running its own decoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.cut import Cut
from detlite.convert.graph.runner import GraphRunner
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.errors import InputError

PROBE = 0.5  # an encoding whose exp() is far from both overflow and 1


def measure_anchors(runner: GraphRunner, cut: Cut, network_image: NDArray[np.float32]) -> Floats:
    """Return the anchors of the network's fixed input size: float32 (N, 4), (y centre, x centre, height, width).

    Corners become centres as in the OD API's own export: y centre = ymin + height / 2, in float32.

    Args:
        runner: runs the graph.
        cut: where the graph is cut.
        network_image: float32 [1, H, W, 3], any input of the network's size.

    Raises:
        InputError: the graph cannot compute anchors, or the values are not anchors.
    """
    (value,) = runner.run([cut.anchors], {cut.network_input: network_image})
    anchors = np.asarray(value, np.float32)
    if anchors.ndim != 2 or anchors.shape[1] != 4 or not len(anchors):
        raise InputError(f"the shape of the anchors {cut.anchors} is {anchors.shape}; want (N, 4)")
    if cut.anchors_are_corners:
        sizes = anchors[:, 2:] - anchors[:, :2]
        anchors = np.concatenate([anchors[:, :2] + sizes / np.float32(2), sizes], axis=1)
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise InputError(f"the anchors {cut.anchors} hold a box that is not finite or has no area")
    return anchors


def measure_box_coder(runner: GraphRunner, cut: Cut, anchors: Floats, encodings_shape: tuple[int, ...]) -> BoxCoder:
    """Return the scales of the graph's box decoder, measured by decoding a constant encoding.

    Faster R-CNN box coding: y = ty / y_scale * ha + ya, h = exp(th / height_scale) * ha (the same for x and w).

    Args:
        runner: runs the graph.
        cut: where the graph is cut; it must have a decoder.
        anchors: float32 (N, 4), (y centre, x centre, height, width).
        encodings_shape: the shape of the box encodings.
    """
    assert cut.decoded is not None
    encodings = np.full(encodings_shape, PROBE, np.float32)
    (boxes,) = runner.run([cut.decoded], {cut.box_encodings: encodings, cut.anchors: _corners(anchors)})
    boxes, anchor = np.asarray(boxes, np.float64), anchors.astype(np.float64)
    sizes = boxes[:, 2:] - boxes[:, :2]
    shifts = ((boxes[:, :2] + sizes / 2) - anchor[:, :2]) / anchor[:, 2:]
    centre = PROBE / np.median(shifts, axis=0)
    size = PROBE / np.log(np.median(sizes / anchor[:, 2:], axis=0))
    y, x, height, width = (float(np.round(value, 3)) for value in (*centre, *size))
    return BoxCoder(y=y, x=x, height=height, width=width)


def _corners(anchors: Floats) -> Floats:
    half = anchors[:, 2:] / np.float32(2)
    return np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)
