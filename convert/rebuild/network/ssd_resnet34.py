"""MLPerf's SSD ResNet-34: the network of the `single_stage_detector` reference, which reads images of 1200 x 1200.

The backbone is ResNet-34 (He et al., 2016) without its last stage and with a stride of 1 in the third. Variables have
the names and layouts of the reference's PyTorch module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detlite.convert.rebuild.detector_config import SsdResNet34
from detlite.convert.rebuild.network.anchors import Size
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.predictors import BOX_CODE, gather
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.arrays import Floats

EPSILON = 1e-5  # torch.nn.BatchNorm2d's default
STEM = 64
STAGES = (("model.layer1.4", 64, 3, 1), ("model.layer1.5", 128, 4, 2), ("model.layer2.0", 256, 6, 1))
"""(name, channels, blocks, stride of the first block) of each stage."""

EXTRAS = ((256, 512, 2, 1), (256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 2, 0), (128, 256, 1, 0))
"""(channels of the 1x1 convolution, channels, stride and padding of the 3x3 convolution) of each further map."""

HEAD_STRIDE = 3
SCALES = (21, 45, 99, 153, 207, 261, 315)
"""Sides of the default boxes in 300ths of the image, one more than there are maps."""

RATIOS: tuple[tuple[int, ...], ...] = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
"""Aspect ratios on each map, besides 1."""

KINDS = tuple(2 + 2 * len(ratios) for ratios in RATIOS)
"""Default boxes of each cell."""

YXHW = (1, 0, 3, 2)
"""The reference codes boxes as (x, y, width, height); detlite as (y, x, height, width)."""


def build_ssd_resnet34(config: SsdResNet34, weights: Weights, size: Size) -> BuiltNetwork:
    """Return the network of *config* with *weights* for images of *size* (height, width).

    The reference orders anchors by map, kind, row and column. Here the kernels of the heads are permuted, so that the
    order is map, row, column and kind, and no operator has to change it.
    """
    with GraphBuilder(weights, (*size, 3)) as net:
        layers = _TorchLayers(net)
        maps = _maps(layers, net.image)
        columns = config.classes + 1
        boxes, logits = [], []
        for number, (features, kinds) in enumerate(zip(maps, KINDS, strict=True)):
            by_kind = [coordinate * kinds + kind for kind in range(kinds) for coordinate in YXHW]
            boxes.append(layers.head(features, f"loc.{number}", kinds * BOX_CODE, by_kind))
            by_kind = [column * kinds + kind for kind in range(kinds) for column in range(columns)]
            logits.append(layers.head(features, f"conf.{number}", kinds * columns, by_kind))
        net.identity(gather(net, boxes, BOX_CODE, "concat"), BOX_ENCODINGS)
        scores = net.identity(gather(net, logits, columns, "concat_1"), CLASS_LOGITS)
        net.convert_scores(scores, "SOFTMAX", 1, CLASS_SCORES)
        cells = tuple(net.size(head) for head in boxes)
        return BuiltNetwork(net.graph_def, cells, net.parameters, net.macs)


def default_boxes(maps: Sequence[Size]) -> Floats:
    """Return the default boxes of *maps* (rows, columns): float32 (N, 4), (y centre, x centre, height, width).

    They are clipped to 0..1, and sorted by map, row, column and kind.
    """
    grids = []
    for (rows, columns), shapes in zip(maps, _shapes(), strict=True):
        grid = np.empty((rows, columns, len(shapes), 4))
        grid[..., 0] = ((np.arange(rows) + 0.5) / rows)[:, None, None]
        grid[..., 1] = ((np.arange(columns) + 0.5) / columns)[None, :, None]
        grid[..., 2:] = shapes
        grids.append(grid.reshape(-1, 4))
    return np.clip(np.concatenate(grids).astype(np.float32), 0, 1)


def _shapes() -> list[list[tuple[float, float]]]:
    """Return (height, width) of the default boxes of each map, in parts of the image."""
    shapes = []
    for side, following, ratios in zip(SCALES[:-1], SCALES[1:], RATIOS, strict=True):
        small, large = side / 300, math.sqrt(side / 300 * (following / 300))
        kinds = [(small, small), (large, large)]
        for ratio in ratios:
            long, short = small * math.sqrt(ratio), small / math.sqrt(ratio)
            kinds += [(short, long), (long, short)]
        shapes.append(kinds)
    return shapes


def _maps(layers: _TorchLayers, image: Tensor) -> list[Tensor]:
    """Return the backbone's map and the further ones, which the heads read."""
    x = layers.conv(image, "model.layer1.0", STEM, 7, stride=2, padding=3, norm="model.layer1.1", relu=True)
    x = layers.max_pool(x, 3, 2, 1, "model.layer1.3")
    for name, channels, blocks, first_stride in STAGES:
        for block in range(blocks):
            x = _block(layers, x, f"{name}.{block}", channels, first_stride if block == 0 else 1)
    maps = [x]
    for number, (middle, channels, stride, padding) in enumerate(EXTRAS):
        name = f"additional_blocks.{number}"
        x = layers.conv(maps[-1], f"{name}.0", middle, 1, relu=True)
        maps.append(layers.conv(x, f"{name}.2", channels, 3, stride=stride, padding=padding, relu=True))
    return maps


def _block(layers: _TorchLayers, x: Tensor, name: str, channels: int, stride: int) -> Tensor:
    net = layers.net
    y = layers.conv(x, f"{name}.conv1", channels, 3, stride=stride, padding=1, norm=f"{name}.bn1", relu=True)
    y = layers.conv(y, f"{name}.conv2", channels, 3, padding=1, norm=f"{name}.bn2")
    if net.channels(x) != channels:
        x = layers.conv(x, f"{name}.downsample.0", channels, 1, stride=stride, norm=f"{name}.downsample.1")
    return net.activate(net.add(y, x, name), "RELU", name)


class _TorchLayers:
    """Layers of `torch.nn`, with batch norms folded; each reads its variables, whose kernels are [out, in, kh, kw]."""

    def __init__(self, net: GraphBuilder) -> None:
        self.net = net

    def conv(
        self,
        x: Tensor,
        name: str,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        norm: str | None = None,
        relu: bool = False,
    ) -> Tensor:
        """Return `Conv2d` of *x*, then the `BatchNorm2d` called *norm* (without one, the convolution has a bias)."""
        weights = self.net.variable(f"{name}.weight", (filters, self.net.channels(x), kernel, kernel))
        if norm is None:
            bias = self.net.variable(f"{name}.bias", (filters,))
        else:
            weights, bias = self._folded(weights, norm)
        y = self._convolved(x, weights, bias, name, stride=stride, padding=padding)
        return self.net.activate(y, "RELU" if relu else "NONE", name)

    def head(self, x: Tensor, name: str, filters: int, order: Sequence[int]) -> Tensor:
        """Return the head *name* on *x*, with its output channels in the *order* of the reference's."""
        weights = self.net.variable(f"{name}.weight", (filters, self.net.channels(x), 3, 3))[list(order)]
        bias = self.net.variable(f"{name}.bias", (filters,))[list(order)]
        return self._convolved(x, weights, bias, name, stride=HEAD_STRIDE, padding=1)

    def max_pool(self, x: Tensor, size: int, stride: int, padding: int, name: str) -> Tensor:
        """Return `MaxPool2d` of *x*, whose values are not negative: so zeros at the edges are never the maximum."""
        x, rule = self._padded(x, size, stride, padding, name)
        return self.net.max_pool(x, size, stride, name, padding=rule)

    def _folded(self, weights: Floats, norm: str) -> tuple[Floats, Floats]:
        count = (len(weights),)
        gamma, beta = (self.net.variable(f"{norm}.{part}", count) for part in ("weight", "bias"))
        mean, variance = (
            self.net.variable(f"{norm}.running_{part}", count, trained=False).astype(np.float64)
            for part in ("mean", "var")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        folded = (weights * scale[:, None, None, None]).astype(np.float32)
        return folded, (beta - mean * scale).astype(np.float32)

    def _convolved(self, x: Tensor, weights: Floats, bias: Floats, name: str, *, stride: int, padding: int) -> Tensor:
        x, rule = self._padded(x, weights.shape[-1], stride, padding, name)
        kernel = np.ascontiguousarray(weights.transpose(2, 3, 1, 0))
        return self.net.conv(x, kernel, bias, stride=stride, padding=rule, name=name)

    def _padded(self, x: Tensor, kernel: int, stride: int, padding: int, name: str) -> tuple[Tensor, str]:
        """Return *x* padded, and the rule for what follows; TensorFlow's SAME if it pads by *padding* on each side."""
        if padding == 0:
            return x, "VALID"
        totals = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in self.net.size(x)]
        if all(total == 2 * padding for total in totals):
            return x, "SAME"
        return self.net.pad(x, (padding, padding), (padding, padding), name), "VALID"
