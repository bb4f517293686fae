"""Build a CenterNet: one map at stride 4 with a heat map of centres per class, and a size and an offset per cell.

Source: Zhou et al., Objects as Points, 2019, as the OD API builds it in TF2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm, CenterNet
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import EXTRACTOR, KERAS_NAMES
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.convert.rebuild.weights.weights import Weights

BASE = f"{EXTRACTOR}/_base_model"
PYRAMID = f"{EXTRACTOR}/_feature_extractor_model"
HEADS = "model/_prediction_head_dict"
CENTER, SIZE, OFFSET = "object_center", "box.Sscale", "box.Soffset"
STRIDE = 4
OCTAVE = 32
"""Pixels between the cells of a backbone's smallest map."""

HEAD_VARIABLES = ("kernel", "bias", "depthwise_kernel", "pointwise_kernel")

KERAS_NORM = BatchNorm(epsilon=0.001, scale=True)
PAIR = 2


@dataclass(frozen=True)
class CenterExtractor:
    """One `feature_extractor { type }` of a CenterNet.

    Attributes:
        build: returns the map at stride 4 of an image.
        mean: per-channel mean of the backbone's preprocessing, which follows the config's.
        std: per-channel standard deviation of the backbone's preprocessing.
        swaps: whether the backbone's preprocessing reverses the order of the channels.
        multiple: the sides of an image are multiples of this: maps are doubled to the sizes of those that were halved.
        stages: how many maps have heads; all but the last one's are for training.
    """

    build: Callable[[GraphBuilder, Tensor, CenterNet], Tensor]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    swaps: bool = False
    multiple: int = OCTAVE
    stages: int = 1

    def normalization(self, config: CenterNet) -> tuple[str, tuple[float, ...], tuple[float, ...]]:
        """Return (colour order, mean, std) of both steps combined: y = (x - mean) / std."""
        means, stds = config.means, config.stds
        if self.swaps:
            means, stds = means[::-1], stds[::-1]
        mean = tuple(first + scale * second for first, scale, second in zip(means, stds, self.mean, strict=True))
        std = tuple(scale * second for scale, second in zip(stds, self.std, strict=True))
        return "BGR" if config.bgr is not self.swaps else "RGB", mean, std


def build_center_net(
    config: CenterNet, extractor: CenterExtractor, weights: Weights, size: tuple[int, int]
) -> BuiltNetwork:
    """Return the network of *config* for images of *size* (height, width), with *weights*.

    Its box encodings are [1, N, 4], (y offset, x offset, height, width) in cells, row by row; its scores [1, N, C].
    """
    with GraphBuilder(weights, (*size, 3)) as net:
        features = extractor.build(net, net.image, config)
        rows, columns = net.size(features)
        cells = rows * columns
        heat = _head(net, features, CENTER, config.classes, config, extractor.stages)
        parts = [_head(net, features, name, PAIR, config, extractor.stages) for name in (OFFSET, SIZE)]
        boxes = net.concat(parts, 3, "concat")
        net.identity(net.reshape(boxes, (1, cells, 2 * PAIR), "boxes"), BOX_ENCODINGS)
        logits = net.identity(net.reshape(heat, (1, cells, config.classes), "centers"), CLASS_LOGITS)
        net.convert_scores(logits, "SIGMOID", 1.0, CLASS_SCORES)
        return BuiltNetwork(net.graph_def, ((rows, columns),), net.parameters, net.macs, keeps_aspect=True)


def _head(net: GraphBuilder, x: Tensor, name: str, filters: int, config: CenterNet, stages: int) -> Tensor:
    """Return the head *name* of the last of *stages* maps; those of the others are for training."""
    inner = (config.center_head_filters, config.center_head_kernels)
    if name != CENTER:
        inner = (config.box_head_filters, config.box_head_kernels)
    for stage in range(stages - 1):
        layers = [f"{HEADS}/{name}/{stage}/layer_with_weights-{number}" for number in range(len(inner[0]) + 1)]
        net.pass_over(*(f"{layer}/{variable}" for layer in layers for variable in HEAD_VARIABLES))
    slim, scope = Slim(net, KERAS_NAMES), f"{HEADS}/{name}/{stages - 1}"
    build = slim.separable if config.use_depthwise else slim.conv
    for number, (depth, kernel) in enumerate(zip(*inner, strict=True)):
        x = build(x, f"{scope}/layer_with_weights-{number}", depth, kernel, style=Style("RELU", norm=None))
    return slim.conv(x, f"{scope}/layer_with_weights-{len(inner[0])}", filters, 1, style=PLAIN)


def top_down(net: GraphBuilder, taps: list[Tensor], depths: tuple[int, ...], config: CenterNet) -> Tensor:
    """Return the map at stride 4 of a pyramid on *taps* (strides 4, 8, 16 and 32) whose steps have *depths* channels.

    Each step doubles the map, adds the tap of that size, and smooths it to the channels of the next step.
    """
    slim = Slim(net, KERAS_NAMES)
    smooth = Style("RELU", KERAS_NORM, biased=True)
    x = slim.conv(taps[-1], _layer(1), depths[0], 1, style=PLAIN)
    for step, (depth, following) in enumerate(zip(depths, (*depths[1:], depths[-1]), strict=True)):
        first = 2 + 3 * step
        x = _doubled(net, x, _layer(first), config)
        x = net.add(x, slim.conv(taps[-2 - step], _layer(first), depth, 1, style=PLAIN), _layer(first))
        build = slim.separable if config.use_separable_conv else slim.conv
        x = build(x, _layer(first + 1), following, 3, style=replace(smooth))
    return x


def _layer(number: int) -> str:
    return f"{PYRAMID}/layer_with_weights-{number}"


def _doubled(net: GraphBuilder, x: Tensor, scope: str, config: CenterNet) -> Tensor:
    rows, columns = net.size(x)
    resize = net.resize_nearest if config.upsampling_interpolation == "nearest" else net.resize_bilinear
    return resize(x, (2 * rows, 2 * columns), scope)
