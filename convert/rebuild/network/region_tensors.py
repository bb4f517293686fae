"""Tensors that belong together in the second stage of a detector."""

from __future__ import annotations

from typing import NamedTuple

from detlite.convert.rebuild.network.graph import Tensor


class KeptTensors(NamedTuple):
    """The detections that suppression keeps, best first; zeros fill the rows after them.

    Attributes:
        boxes: [D, 4]: (y1, x1, y2, x2), 0..1 of the input.
        classes: float32 [D], from 0 on, without the background.
        scores: [D].
        count: float32 [1], how many there are.
    """

    boxes: Tensor
    classes: Tensor
    scores: Tensor
    count: Tensor


class SuppressedRows(NamedTuple):
    """What suppression keeps, best first.

    Attributes:
        rows: int32 [most].
        is_kept: 1 for each row that is kept, and 0 after these: float32 [most].
    """

    rows: Tensor
    is_kept: Tensor


class Samples(NamedTuple):
    """Samples along one axis of each region.

    Attributes:
        first: the cell before each sample, int32 [N, count].
        second: the cell after it, likewise.
        share: of the second, 0..1, float32 [N, count].
    """

    first: Tensor
    second: Tensor
    share: Tensor
