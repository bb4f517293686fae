"""The anchors and box coder scales of a graph, measured by running its own decoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.cut import Cut
from detlite.convert.graph.runner import GraphRunner
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.coding import BoxCoder, decode
from detlite.runtime.errors import InputError

TOLERANCE = 1e-3  # of boxes, in 0..1; scales are measured to 3 decimals
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
    anchors = (
        _decoded_nothing(runner, cut, network_image) if cut.anchors is None else _stated(runner, cut, network_image)
    )
    if anchors.ndim != 2 or anchors.shape[1] != 4 or not len(anchors):
        raise InputError(f"the shape of the anchors {_name(cut)} is {anchors.shape}; want (N, 4)")
    if cut.anchors_are_corners:
        sizes = anchors[:, 2:] - anchors[:, :2]
        anchors = np.concatenate([anchors[:, :2] + sizes / np.float32(2), sizes], axis=1)
    if not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        raise InputError(f"the anchors {_name(cut)} hold a box that is not finite or has no area")
    return anchors


def measure_box_coder(runner: GraphRunner, cut: Cut, anchors: Floats, encodings_shape: tuple[int, ...]) -> BoxCoder:
    """Return the scales of the graph's box decoder, measured by decoding a constant encoding.

    Faster R-CNN box coding: y = ty / y_scale * ha + ya, h = exp(th / height_scale) * ha (the same for x and w). Other
    encodings are decoded, too: the graph and the measured coder must agree.

    Args:
        runner: runs the graph.
        cut: where the graph is cut; it must have a decoder.
        anchors: float32 (N, 4), (y centre, x centre, height, width).
        encodings_shape: the shape of the box encodings.

    Raises:
        InputError: the decoder is of another kind.
    """
    anchor = anchors.astype(np.float64)
    boxes = _decoded(runner, cut, anchors, np.full(encodings_shape, PROBE, np.float32)).astype(np.float64)
    sizes = boxes[:, 2:] - boxes[:, :2]
    shifts = ((boxes[:, :2] + sizes / 2) - anchor[:, :2]) / anchor[:, 2:]
    with np.errstate(divide="ignore", invalid="ignore"):  # of another decoder: no scales, told below
        centre = PROBE / np.median(shifts, axis=0)
        size = PROBE / np.log(np.median(sizes / anchor[:, 2:], axis=0))
    y, x, height, width = (float(np.round(value, 3)) for value in (*centre, *size))
    if not all(0 < scale < np.inf for scale in (y, x, height, width)):
        raise InputError(f"the decoder {cut.decoded} is not of the Faster R-CNN box coder")
    coder = BoxCoder(y=y, x=x, height=height, width=width)
    others = np.linspace(-3, 3, 4 * len(anchors), dtype=np.float32)
    theirs, ours = _decoded(runner, cut, anchors, others.reshape(encodings_shape)), others.reshape(-1, 4)
    if not np.allclose(theirs, decode(ours, anchors, coder), rtol=TOLERANCE, atol=TOLERANCE):
        raise InputError(f"the decoder {cut.decoded} is not of the Faster R-CNN box coder")
    return coder


def _decoded(runner: GraphRunner, cut: Cut, anchors: Floats | None, encodings: Floats) -> Floats:
    """Return the boxes (N, 4) that the graph makes of the *encodings* and, unless they are its constants, *anchors*."""
    assert cut.decoded is not None
    feeds = {cut.box_encodings: encodings}
    if cut.anchors is not None and anchors is not None:
        feeds[cut.anchors] = _corners(anchors)
    (boxes,) = runner.run([cut.decoded], feeds)
    return np.asarray(boxes, np.float32)


def _stated(runner: GraphRunner, cut: Cut, network_image: NDArray[np.float32]) -> Floats:
    assert cut.anchors is not None
    (value,) = runner.run([cut.anchors], {cut.network_input: network_image})
    return np.asarray(value, np.float32)


def _decoded_nothing(runner: GraphRunner, cut: Cut, network_image: NDArray[np.float32]) -> Floats:
    """Return the corners that the graph decodes from encodings of 0, which are its anchors."""
    (encodings,) = runner.run([cut.box_encodings], {cut.network_input: network_image})
    return _decoded(runner, cut, None, np.zeros(encodings.shape, np.float32))


def _name(cut: Cut) -> str:
    return cut.anchors or f"that {cut.decoded} has in its constants"


def _corners(anchors: Floats) -> Floats:
    half = anchors[:, 2:] / np.float32(2)
    return np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)
