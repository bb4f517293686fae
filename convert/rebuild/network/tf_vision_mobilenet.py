"""The MobileNet V2 of TF-Vision, at any width and output stride.

Source: Sandler et al., MobileNetV2, CVPR 2018, table 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detlite.convert.rebuild.network.blocks import Blocks, InvertedUnit, NormActivation, WeightedLayers
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor

STEM, LAST = 32, 1280
LAST_LEVEL = 6
"""The key of the last convolution, which only a classifier has."""


@dataclass(frozen=True)
class Bottlenecks:
    """A row of the table: *count* blocks, the first with *stride*; *ends* marks the last one as a level's map."""

    expansion: int
    channels: int
    stride: int
    count: int
    ends: bool


V2 = (
    Bottlenecks(1, 16, 1, 1, ends=False),
    Bottlenecks(6, 24, 2, 2, ends=True),
    Bottlenecks(6, 32, 2, 3, ends=True),
    Bottlenecks(6, 64, 2, 4, ends=False),
    Bottlenecks(6, 96, 1, 3, ends=True),
    Bottlenecks(6, 160, 2, 3, ends=False),
    Bottlenecks(6, 320, 1, 1, ends=True),
)


@dataclass(frozen=True)
class MobileNetBackbone:
    """A MobileNet V2.

    Attributes:
        scale: of the number of channels.
        epsilon: of its batch norms; its activation is always ReLU6.
        output_stride: the stride of its last map; None for 32.
    """

    scale: float
    epsilon: float
    output_stride: int | None = None


def build_mobilenet_v2(
    net: GraphBuilder, image: Tensor, config: MobileNetBackbone, root: str, *, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps of the MobileNet V2 at the path *root* on *image* by level.

    Where a stride gives way to a dilation, a map takes the place of the one before it. *classifies* adds the last
    convolution, of `LAST_LEVEL`.
    """
    blocks, names = Blocks(net, NormActivation("RELU_6", config.epsilon)), WeightedLayers(root)
    scope = names.one()
    stem = make_divisible(STEM * config.scale)
    x = blocks.conv(image, (f"{scope}/_conv0", f"{scope}/_norm0"), stem, 3, stride=2)
    current, dilation, maps = 2, 1, {}
    for row in V2:
        stride = row.stride
        if stride == 2 and config.output_stride is not None and current >= config.output_stride:
            stride, dilation = 1, dilation * 2
        current *= stride
        channels = make_divisible(row.channels * config.scale)
        for number in range(row.count):
            unit = InvertedUnit(channels, row.expansion, stride=stride if number == 0 else 1, dilation=dilation)
            x = blocks.inverted(x, names.one(), unit)
        if row.ends:
            maps[current.bit_length() - 1] = x
    if classifies:
        scope = names.one()
        channels = make_divisible(LAST * max(config.scale, 1.0))
        maps[LAST_LEVEL] = blocks.conv(x, (f"{scope}/_conv0", f"{scope}/_norm0"), channels, 1)
    return maps
