"""The heads and the anchors of TF-Vision's RetinaNet.

Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017; `official/vision/modeling/heads/
dense_prediction_heads.py` for biases beside the batch norms, which each level has of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detlite.convert.graph.trained_ranges import LAYER
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.blocks import Blocks, NormActivation
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import PLAIN, Style
from detlite.runtime.arrays import Floats

BOX_CODE = 4
HEAD = "model/_head"


@dataclass(frozen=True)
class LevelAnchors:
    """`anchor` of a model: boxes of each cell, by scale and then by aspect ratio.

    Attributes:
        size: the side of the smallest one, in strides.
        scales: how many scales an octave has.
        aspect_ratios: width over height of each box.
    """

    size: float
    scales: int
    aspect_ratios: tuple[float, ...]

    @property
    def per_cell(self) -> int:
        """The number of boxes of one cell."""
        return self.scales * len(self.aspect_ratios)

    def on(self, image: Size, levels: Sequence[int]) -> Floats:
        """Return the anchors of *levels*, float32 (N, 4): (y centre, x centre, height, width), in 0..1 of *image*.

        Cells are in rows, and their boxes in the order of the predictions.
        """
        parts = []
        for level in levels:
            cells = tuple(math.ceil(side / 2**level) for side in image)
            rows, columns = ((np.arange(count) + 0.5) / count for count in cells)
            grid = np.empty((*cells, self.per_cell, 4))
            grid[..., 0], grid[..., 1] = rows[:, None, None], columns[None, :, None]
            grid[..., 2:] = np.array(self._sides(level)) / image
            parts.append(grid.reshape(-1, 4))
        return np.concatenate(parts).astype(np.float32)

    def _sides(self, level: int) -> list[tuple[float, float]]:
        bases = [self.size * 2**level * 2 ** (scale / self.scales) for scale in range(self.scales)]
        return [(base / math.sqrt(ratio), base * math.sqrt(ratio)) for base in bases for ratio in self.aspect_ratios]


@dataclass(frozen=True)
class DenseHead:
    """`head` of a RetinaNet: two towers of convolutions that all levels share.

    Attributes:
        convs: the number of convolutions of a tower.
        filters: of these.
        separable: whether they and the predictions are separable.
        has_ranges: whether they were trained aware of quantization: a separable convolution is two layers.
    """

    convs: int
    filters: int
    separable: bool
    has_ranges: bool = False


def build_heads(
    net: GraphBuilder,
    levels: Mapping[int, Tensor],
    head: DenseHead,
    norm: NormActivation,
    columns: tuple[int, int],
) -> None:
    """Add the heads on *levels* as `BOX_ENCODINGS`, `CLASS_LOGITS` and `CLASS_SCORES`.

    Args:
        net: the network.
        levels: the maps, by level.
        head: the config.
        norm: of the towers.
        columns: the number of class scores of an anchor, and of anchors in a cell.
    """
    classes, anchors = columns
    tower = _Towers(Blocks(net, norm), head)
    boxes = [
        tower.rows(levels[level], ("box", "box_regressor"), number, anchors, BOX_CODE)
        for number, level in _numbered(levels)
    ]
    scores = [
        tower.rows(levels[level], ("cls", "classifier"), number, anchors, classes)
        for number, level in _numbered(levels)
    ]
    net.identity(net.concat(boxes, 1, "boxes"), BOX_ENCODINGS)
    logits = net.identity(net.concat(scores, 1, "classes"), CLASS_LOGITS)
    net.convert_scores(logits, "SIGMOID", 1.0, CLASS_SCORES)


def _numbered(levels: Mapping[int, Tensor]) -> list[tuple[int, int]]:
    return list(enumerate(sorted(levels)))


@dataclass(frozen=True)
class _Towers:
    blocks: Blocks
    head: DenseHead

    def rows(self, x: Tensor, names: tuple[str, str], number: int, anchors: int, width: int) -> Tensor:
        """Return the predictions on the map *x* of the level *number*, [1, cells * anchors, width]."""
        net, (tower, predictor) = self.blocks.net, names
        style = replace(self.blocks.norm.style, biased=True, ranged=False)
        for conv in range(self.head.convs):
            norm_scope = f"{HEAD}/_{tower}_norms/{number}/{conv}"
            x = self._conv(x, f"{HEAD}/_{tower}_convs/{conv}", self.head.filters, style, norm_scope)
            x = net.ranged(x, f"{HEAD}/_activation", LAYER)
        y = self._conv(x, f"{HEAD}/_{predictor}", anchors * width, PLAIN)
        rows, columns = net.size(y)
        return net.reshape(y, (1, rows * columns * anchors, width), f"{HEAD}/_{predictor}/rows")

    def _conv(self, x: Tensor, scope: str, filters: int, style: Style, norm_scope: str | None = None) -> Tensor:
        slim, head = self.blocks.slim, self.head
        if head.separable and head.has_ranges:
            pair = (f"{scope}/dw_conv", f"{scope}/conv")
            return self.blocks.separable(x, pair, filters, 3, style=style, norm_scope=norm_scope)
        build = slim.separable if head.separable else slim.conv
        return build(x, scope, filters, 3, style=style, norm_scope=norm_scope)
