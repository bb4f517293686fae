"""Build a CenterNet: one map at stride 4 with a heat map of centres per class, and a size and an offset per cell.

Source: Zhou et al., Objects as Points, 2019, as the OD API builds it in TF2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from detlite.convert.rebuild.center_net_config import CenterNet, EmbeddedMasks, HeadLayers, KeypointTask
from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.built_network import BOX_ENCODINGS, CLASS_LOGITS, CLASS_SCORES, BuiltNetwork
from detlite.convert.rebuild.network.deepmac import embedding, mask_outputs
from detlite.convert.rebuild.network.faster_rcnn import WHOLE_IMAGE
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import EXTRACTOR, KERAS_NAMES
from detlite.convert.rebuild.network.region_builder import RegionBuilder
from detlite.convert.rebuild.network.region_tensors import KeptTensors
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style
from detlite.convert.rebuild.weights.weights import Weights
from detlite.runtime.boxes.nms import PEAK_MARGIN
from detlite.runtime.counts import counted

BASE = f"{EXTRACTOR}/_base_model"
PYRAMID = f"{EXTRACTOR}/_feature_extractor_model"
HEADS = "model/_prediction_head_dict"
CENTER, SIZE, OFFSET = "object_center", "box.Sscale", "box.Soffset"
KEYPOINTS = ("raw_outputs/keypoint_offsets", "raw_outputs/keypoint_regression", "raw_outputs/keypoint_scores")
KEYPOINT_LOGITS = "raw_outputs/keypoint_logits"
STRIDE = 4
OCTAVE = 32
"""Pixels between the cells of a backbone's smallest map."""

INSTANCE, PIXEL = "INSTANCE_EMBEDDING", "PIXEL_EMBEDDING"
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
    config: CenterNet, extractor: CenterExtractor, weights: Weights, size: tuple[int, int], keypoints: int = 0
) -> BuiltNetwork:
    """Return the network of *config* for images of *size* (height, width), with *weights*.

    With a task of masks it has the outputs of `deepmac.mask_outputs`. Otherwise its box encodings are [1, N, 4],
    (y offset, x offset, height, width) in cells, row by row; its scores [1, N, C].
    With a task of so many *keypoints* it has `KEYPOINTS`, too, [1, N, ...].
    """
    with RegionBuilder(weights, (*size, 3)) as net:
        features = extractor.build(net, net.image, config)
        cells = net.size(features)
        heads = _Heads(net, features, config, extractor.stages)
        center = HeadLayers(config.center_head_filters, config.center_head_kernels)
        box = HeadLayers(config.box_head_filters, config.box_head_kernels)
        heat = heads.head(CENTER, config.classes, center)
        boxes = net.concat([heads.head(name, PAIR, box) for name in (OFFSET, SIZE)], 3, "concat")
        if config.masks is not None:
            _mask_heads(net, heads, config.masks, heat, boxes)
            return BuiltNetwork(net.graph_def, (cells,), net.parameters, net.macs, net.stages, keeps_aspect=True)
        net.identity(heads.listed(boxes, "boxes"), BOX_ENCODINGS)
        logits = net.identity(heads.listed(heat, "centers"), CLASS_LOGITS)
        net.convert_scores(logits, "SIGMOID", 1.0, CLASS_SCORES)
        if config.keypoints is not None:
            _keypoint_heads(heads, config.keypoints, keypoints)
        return BuiltNetwork(net.graph_def, (cells,), net.parameters, net.macs, keeps_aspect=True)


def _keypoint_heads(heads: _Heads, task: KeypointTask, count: int) -> None:
    net, path = heads.net, f"{task.name}.Skeypoint.S"
    heat = heads.listed(heads.head(f"{path}heatmap", count, task.heatmap), "keypoint_heatmap")
    net.convert_scores(net.identity(heat, KEYPOINT_LOGITS), "SIGMOID", 1.0, KEYPOINTS[2])
    regression = heads.head(f"{path}regression", PAIR * count, task.regression)
    net.identity(heads.listed(regression, "keypoint_starts"), KEYPOINTS[1])
    width = PAIR * count if task.per_keypoint_offset else PAIR
    net.identity(heads.listed(heads.head(f"{path}offset", width, task.offset), "keypoint_shifts"), KEYPOINTS[0])


def _mask_heads(net: RegionBuilder, heads: _Heads, masks: EmbeddedMasks, heat: Tensor, boxes: Tensor) -> None:
    """Add the best boxes of the maps *heat* and *boxes* (y offset, x offset, height, width), and their masks."""
    config, last = heads.config, heads.stages - 1
    embeddings = [
        embedding(net, heads.features, f"{HEADS}/{name}/{last}", channels)
        for name, channels in ((INSTANCE, masks.instance), (PIXEL, masks.pixel))
    ]
    net.finish_stage(WHOLE_IMAGE)
    (rows, columns), most = net.size(heat), config.max_box_predictions
    scores = net.activate(heat, "SIGMOID", "peaks/scores")
    found, cells, classes = net.peaks(scores, most, float(PEAK_MARGIN), "peaks")
    codes = net.rows_at(boxes, cells, "peaks/codes")
    corners = net.boxes_at(codes, cells, (rows, columns), "peaks/boxes")
    kept = KeptTensors(corners, classes, found, net.count_over(found, 0.0, "peaks/count"))
    centres = net.cell_of_centre(corners, (rows, columns), "peaks/centres")
    mask_outputs(net, config, masks, (*embeddings, centres), kept)
    net.finish_stage(f"for the masks of {counted(most, 'box')}")


@dataclass(frozen=True)
class _Heads:
    """Heads on the last of *stages* maps; the heads on earlier maps are for training.

    Attributes:
        net: builds them.
        features: the last map.
        config: says whether their convolutions are separable.
    """

    net: GraphBuilder
    features: Tensor
    config: CenterNet
    stages: int

    def head(self, name: str, filters: int, layers: HeadLayers) -> Tensor:
        """Return the map of the head *name* with so many *filters*, after its *layers*."""
        for stage in range(self.stages - 1):
            paths = [f"{HEADS}/{name}/{stage}/layer_with_weights-{number}" for number in range(len(layers.filters) + 1)]
            self.net.pass_over(*(f"{path}/{variable}" for path in paths for variable in HEAD_VARIABLES))
        slim, scope, x = Slim(self.net, KERAS_NAMES), f"{HEADS}/{name}/{self.stages - 1}", self.features
        build = slim.separable if self.config.use_depthwise else slim.conv
        for number, (depth, kernel) in enumerate(zip(layers.filters, layers.kernels, strict=True)):
            x = build(x, f"{scope}/layer_with_weights-{number}", depth, kernel, style=Style("RELU", norm=None))
        return slim.conv(x, f"{scope}/layer_with_weights-{len(layers.filters)}", filters, 1, style=PLAIN)

    def listed(self, x: Tensor, name: str) -> Tensor:
        """Return the map *x* as a list of its cells, [1, N, channels]."""
        rows, columns = self.net.size(x)
        return self.net.reshape(x, (1, rows * columns, self.net.channels(x)), name)


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
