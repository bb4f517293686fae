"""ResNet V1 of TF-Slim in two parts: the first for the whole image, the last block for each of its regions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.resnet_v1 import BASE_DEPTHS, EPSILON, STEM, UNITS, WIDENING
from detlite.convert.rebuild.network.slim import Slim, Style

STYLE = Style("RELU", BatchNorm(EPSILON, scale=True))
"""The config's hyperparameters do not reach this backbone."""

STEM_STRIDE = 4
BLOCK_STRIDES = (2, 2, 2, 1)
REGION_BLOCK = 4


@dataclass(frozen=True)
class TwoStageResNetV1:
    """The backbone with 50, 101 or 152 *layers*."""

    layers: int

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, whose cells are *stride* (8 or 16) pixels apart."""
        slim, scope = Slim(net), f"FirstStageFeatureExtractor/resnet_v1_{self.layers}"
        x = slim.conv(image, f"{scope}/conv1", STEM, 7, style=replace(STYLE, explicit_padding=True), stride=2)
        x = net.max_pool(x, 3, 2, f"{scope}/pool1")
        reached, rate = STEM_STRIDE, 1
        for number in range(1, REGION_BLOCK):
            units = UNITS[self.layers][number - 1]
            for unit in range(1, units + 1):
                nominal = BLOCK_STRIDES[number - 1] if unit == units else 1
                name = f"{scope}/block{number}/unit_{unit}/bottleneck_v1"
                depth = BASE_DEPTHS[number - 1]
                if reached == stride:  # finer cells: what would stride dilates all that follows
                    x, rate = _unit(slim, x, name, depth, dilation=rate), rate * nominal
                else:
                    x, reached = _unit(slim, x, name, depth, stride=nominal), reached * nominal
        return x

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, rows, columns, channels], with the same rows and columns."""
        slim, x = Slim(net), regions
        for unit in range(1, UNITS[self.layers][REGION_BLOCK - 1] + 1):
            scope = f"SecondStageFeatureExtractor/resnet_v1_{self.layers}/block{REGION_BLOCK}"
            x = _unit(slim, x, f"{scope}/unit_{unit}/bottleneck_v1", BASE_DEPTHS[REGION_BLOCK - 1])
        return x


def _unit(slim: Slim, x: Tensor, scope: str, depth: int, *, stride: int = 1, dilation: int = 1) -> Tensor:
    """Return a bottleneck; its stride is in the 3 x 3 convolution."""
    linear, outputs = replace(STYLE, activation="NONE"), depth * WIDENING
    spatial = replace(STYLE, explicit_padding=stride > 1)
    if slim.net.channels(x) != outputs:
        shortcut = slim.conv(x, f"{scope}/shortcut", outputs, 1, style=linear, stride=stride)
    else:
        shortcut = x if stride == 1 else slim.net.max_pool(x, 1, stride, f"{scope}/shortcut")
    y = slim.conv(x, f"{scope}/conv1", depth, 1, style=STYLE)
    y = slim.conv(y, f"{scope}/conv2", depth, 3, style=spatial, stride=stride, dilation=dilation)
    y = slim.conv(y, f"{scope}/conv3", outputs, 1, style=linear)
    return slim.net.activate(slim.net.add(shortcut, y, scope), "RELU", scope)
