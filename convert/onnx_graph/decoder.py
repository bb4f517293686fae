"""The anchors, the box coder and the order of the coordinates of an ONNX graph, measured on its own decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx_graph.heads import BOX, Heads
from detlite.convert.onnx_graph.model_graph import Feeds, OnnxModel
from detlite.convert.raw_heads import Decoder
from detlite.runtime.arrays import Doubles
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

PROBE = 0.5  # an encoding whose exp() is far from both overflow and 1
MOVED = 1e-6
PIXELS = 2.0
"""Anchors with longer sides are in pixels: as a fraction of the image, a side is rarely over 1."""


@dataclass(frozen=True, eq=False)
class _Axis:
    """One of the two axes of boxes: its encodings' columns *shift* and *size*, and the anchors on it."""

    shift: int
    size: int
    centres: Doubles
    lengths: Doubles
    shift_scale: float
    size_scale: float


def measure_decoder(model: OnnxModel, heads: Heads, feeds: Feeds, image: tuple[int, int]) -> Decoder:
    """Return what the decoder of *model* does, measured by decoding constant encodings.

    Args:
        model: the graph.
        heads: its heads; it must have a decoder.
        feeds: any image, by the name of its input: some decoders compute their anchors from its size.
        image: (height, width) of the network's input, for anchors in pixels.

    Raises:
        InputError: it is not the decoder of SSD.
    """
    assert heads.decoded is not None
    shape = model.shapes[heads.boxes]
    decoded = [_run(model, heads, feeds, shape, column, value) for column, value in _probes()]
    axes = sorted(_axes(model, decoded[0], decoded[1:5], decoded[5:]), key=lambda axis: _changes(axis.centres))
    (y, x) = axes
    if _changes(y.centres) == _changes(x.centres):
        raise InputError(
            f"{model.name}: cannot tell rows from columns in the order of the {counted(len(y.centres), 'anchor')}"
        )
    anchors = np.stack([y.centres, x.centres, y.lengths, x.lengths], axis=1)
    if anchors[:, 2:].max() > PIXELS:
        anchors /= np.array(image * 2, np.float64)
    scales = [float(np.round(scale, 3)) for scale in (y.shift_scale, x.shift_scale, y.size_scale, x.size_scale)]
    coder = BoxCoder(scales[0], scales[1], scales[2], scales[3])
    origin = dict.fromkeys(("anchors", "box_coder"), "measured on the graph's own decoder")
    return Decoder(anchors.astype(np.float32), coder, (y.shift, x.shift, y.size, x.size), origin)


def _probes() -> list[tuple[int | None, float]]:
    """Return (column, value) of each probe: none, then each column once, then each at twice the value."""
    return [(None, 0.0), *((c, PROBE) for c in range(BOX)), *((c, 2 * PROBE) for c in range(BOX))]


def _run(
    model: OnnxModel, heads: Heads, feeds: Feeds, shape: tuple[int, ...], column: int | None, value: float
) -> Doubles:
    """Return the boxes (N, 4) of encodings that are 0, but *value* in the *column*."""
    encodings = np.zeros(shape, np.float32)
    if column is not None:
        axis = max(number for number, side in enumerate(shape) if side == BOX)
        encodings[tuple(column if number == axis else slice(None) for number in range(len(shape)))] = value
    assert heads.decoded is not None
    (boxes,) = model.run([heads.decoded], {**feeds, heads.boxes: encodings})
    found: NDArray[np.float64] = boxes.astype(np.float64).squeeze()
    return found if found.shape[-1] == BOX else found.T


def _axes(model: OnnxModel, zero: Doubles, once: list[Doubles], twice: list[Doubles]) -> list[_Axis]:
    """Return the two axes; a shift moves boxes in proportion to its value, a size does not."""
    moves = [[int(c) for c in np.flatnonzero(np.abs(boxes - zero).max(axis=0) > MOVED)] for boxes in once]
    linear = [
        bool(np.allclose(double - zero, 2 * (single - zero), rtol=1e-3, atol=1e-6))
        for single, double in zip(once, twice, strict=True)
    ]
    shifts, sizes = ([c for c in range(BOX) if linear[c] is kind] for kind in (True, False))
    corners = all(len(moved) == 2 for moved in moves)
    if len(shifts) != 2 or not (corners or all(len(moved) == 1 for moved in moves)):
        raise InputError(
            f"{model.name}: its decoder is not that of SSD (centre and size from an anchor); give --anchors"
        )
    axes = []
    for shift in shifts:
        size = next((c for c in sizes if not corners or moves[c] == moves[shift]), None)
        if size is None:
            raise InputError(f"{model.name}: its decoder is not that of SSD; give --anchors")
        if not corners:
            sizes.remove(size)
        axes.append(_axis(zero, once, (shift, size), moves, corners=corners))
    return axes


def _axis(
    zero: Doubles, once: list[Doubles], columns: tuple[int, int], moves: list[list[int]], *, corners: bool
) -> _Axis:
    shift, size = columns
    if corners:
        low, high = moves[shift]
        centres, lengths = (zero[:, low] + zero[:, high]) / 2, zero[:, high] - zero[:, low]
        grown = once[size][:, high] - once[size][:, low]
        moved = once[shift][:, low] - zero[:, low]
    else:
        (centre,), (length,) = moves[shift], moves[size]
        centres, lengths = zero[:, centre], zero[:, length]
        grown, moved = once[size][:, length], once[shift][:, centre] - zero[:, centre]
    shift_scale = PROBE / float(np.median(moved / lengths))
    size_scale = PROBE / float(np.log(np.median(grown / lengths)))
    return _Axis(shift, size, centres, lengths, shift_scale, size_scale)


def _changes(centres: Doubles) -> int:
    """Return how often the centre changes from one anchor to the next: columns change faster than rows."""
    return int(np.count_nonzero(np.abs(np.diff(centres)) > MOVED))
