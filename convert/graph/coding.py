"""Anchors and box coder scales of a graph, measured by running its own decoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.cut import Cut
from detlite.convert.graph.runner import Runner
from detlite.runtime.arrays import Floats
from detlite.runtime.contract import BoxCoder
from detlite.runtime.errors import InputError

PROBE = 0.5  # an encoding whose exp() is far from overflow and from 1


def measure_anchors(runner: Runner, cut: Cut, network_image: NDArray[np.float32]) -> Floats:
    """Return the anchors, float32 (N, 4) of (y centre, x centre, height, width), at the network's fixed size.

    Centres are made of corners as the OD API's own export does (y centre = ymin + height / 2, in float32).

    Raises:
        InputError: the graph cannot compute them, or they are no anchors.
    """
    (value,) = runner.run([cut.anchors], {cut.network_input: network_image})
    anchors = np.asarray(value, np.float32)
    if anchors.ndim != 2 or anchors.shape[1] != 4 or not len(anchors):
        raise InputError(f"{cut.anchors} holds {anchors.shape}, and anchors are (N, 4)")
    if cut.anchors_are_corners:
        sizes = anchors[:, 2:] - anchors[:, :2]
        anchors = np.concatenate([anchors[:, :2] + sizes / np.float32(2), sizes], axis=1)
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise InputError(f"{cut.anchors} holds boxes without a size: they are no anchors")
    return anchors


def measure_box_coder(runner: Runner, cut: Cut, anchors: Floats, encodings_shape: tuple[int, ...]) -> BoxCoder:
    """Return the scales of the graph's decoder, from the boxes that it makes of one encoding.

    Faster R-CNN box coding: y = ty / y_scale * ha + ya, h = exp(th / height_scale) * ha (the same for x and w).
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
