"""Crops of regions out of the levels of a pyramid, as TF-Vision aligns them.

Source: He et al., Mask R-CNN, ICCV 2017; Lin et al., Feature Pyramid Networks, CVPR 2017, for the level of a region;
`official/vision/ops/spatial_transform_ops.py` for one sample in the middle of each cell of the crop.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_tensors import Samples
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats

CANONICAL_PIXELS, CANONICAL_LEVEL = 224, 4
"""A region of 224 x 224 pixels is cropped out of level 4."""


class RegionAlign:
    """Crops out of the maps of one image."""

    def __init__(self, net: RegionBuilder, levels: Mapping[int, Tensor], name: str) -> None:
        """Lay the maps *levels* [1, rows, columns, C] into one table of cells."""
        self._tf, self._net, self._image = load_tensorflow(), net, net.size(net.image)
        self._low, self._sizes = min(levels), [net.size(levels[level]) for level in sorted(levels)]
        tables = [
            net.reshape(levels[level], (rows * columns, net.channels(levels[level])), f"{name}/cells_{level}")
            for level, (rows, columns) in zip(sorted(levels), self._sizes, strict=True)
        ]
        self._cells = net.concat(tables, 0, f"{name}/cells")

    def crops(self, boxes: Tensor, side: int, name: str) -> Tensor:
        """Return [N, *side*, *side*, C]: each of *boxes* [N, 4], 0..1 of the input, out of the level of its size."""
        net, count = self._net, int(boxes.shape[0])
        level = self._levels(boxes, name)
        y1, x1, y2, x2 = self._tf.split(boxes, 4, axis=1, name=f"{name}/split")
        rows = self._samples((y1, y2), side, 0, level)
        columns = self._samples((x1, x2), side, 1, level)
        counts = [height * width for height, width in self._sizes]
        starts = np.cumsum([0, *counts[:-1]]).astype(np.int32)
        widths = np.array([width for _height, width in self._sizes], np.int32)
        start, width = (net.reshape(self._tf.gather(of, level), (count, 1), f"{name}/at") for of in (starts, widths))
        down = Samples(rows.first * width + start, rows.second * width + start, rows.share)
        return net.interpolated(self._cells, down, columns, name)

    def _levels(self, boxes: Tensor, name: str) -> Tensor:
        """Return the number of the level of each of *boxes*, from the lowest on: int32 [N]."""
        height, width = self._image
        low, high = self._tf.split(boxes, 2, axis=1, name=f"{name}/corners")
        tall, wide = self._tf.split((high - low) * np.array((height, width), np.float32), 2, axis=1)
        above = range(self._low + 1, self._low + len(self._sizes))
        least = np.array([(CANONICAL_PIXELS * 2.0 ** (one - CANONICAL_LEVEL)) ** 2 for one in above], np.float32)
        is_below = self._tf.cast(self._tf.less(tall * wide, least[None]), self._tf.int32)
        return self._tf.subtract(np.int32(len(least)), self._tf.reduce_sum(is_below, 1), name=f"{name}/level")

    def _samples(self, ends: tuple[Tensor, Tensor], side: int, axis: int, level: Tensor) -> Samples:
        """Return the samples between *ends* [N, 1] along *axis*: 0 for rows, 1 for columns."""
        tf, count = self._tf, int(level.shape[0])
        pixels = self._image[axis]
        scales = np.array([pixels / 2.0 ** (self._low + one) for one in range(len(self._sizes))], np.float32)
        last = np.array([size[axis] - 1 for size in self._sizes], np.float32)
        scale, last_cell = (self._net.reshape(tf.gather(of, level), (count, 1), "align/of") for of in (scales, last))
        begin, end = (one * scale for one in ends)
        places: Floats = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side))[None]
        at = begin + (end - begin) * places
        floor = tf.maximum(tf.floor(at), np.float32(0))
        first, second = tf.minimum(floor, last_cell), tf.minimum(floor + 1, last_cell)
        return Samples(tf.cast(first, tf.int32), tf.cast(second, tf.int32), at - floor)
