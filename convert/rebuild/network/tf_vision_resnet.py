"""The ResNets of TF-Vision: plain, ResNet-RS, and dilated for segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from detlite.convert.rebuild.network.blocks import Blocks, NormActivation, Unit, WeightedLayers
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor

BOTTLENECK_FROM = 50
FILTERS = (64, 128, 256, 512)
UNITS: Mapping[int, tuple[int, int, int, int]] = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    26: (3, 3, 3, 3),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
    270: (4, 29, 53, 4),
    300: (4, 36, 54, 4),
    350: (4, 36, 72, 4),
    420: (4, 44, 87, 4),
}
"""The number of blocks in each of the four groups, by the number of layers."""

STEMS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "v0": ((64, 7, 2),),
    "v1": ((32, 3, 2), (32, 3, 1), (64, 3, 1)),
}
"""(filters, kernel, stride) of the convolutions before the first pooling, by the type of the stem."""

DILATED_STEMS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "v0": STEMS["v0"],
    "v1": ((64, 3, 2), (64, 3, 1), (128, 3, 1)),
}


@dataclass(frozen=True)
class ResNetBackbone:
    """A ResNet.

    Attributes:
        layers: how many, one of `UNITS`.
        norm: of all its convolutions.
        stem: of `STEMS`.
        stem_multiplier: of the filters of the stem.
        depth_multiplier: of all other filters.
        se_ratio: of the squeeze-and-excite in its blocks; 0 for none.
        pooled_shortcut: whether shortcuts of bottlenecks are pooled instead of strided (ResNet-D). The original's other
            blocks take no notice of it.
        conv_for_pool: whether a strided convolution takes the place of the first pooling.
    """

    layers: int
    norm: NormActivation
    stem: str = "v0"
    stem_multiplier: float = 1.0
    depth_multiplier: float = 1.0
    se_ratio: float = 0.0
    pooled_shortcut: bool = False
    conv_for_pool: bool = False


@dataclass(frozen=True)
class DilatedResNetBackbone:
    """A ResNet whose last groups are dilated instead of strided.

    Attributes:
        plain: the ResNet.
        output_stride: the stride of its last map: 8, 16 or 32.
        multigrid: multiplies the dilation of each block of the last group; empty for none.
        last_stage_repeats: how often the last group is there, each time with twice the dilation.
    """

    plain: ResNetBackbone
    output_stride: int
    multigrid: tuple[int, ...] = field(default=())
    last_stage_repeats: int = 1


def build_resnet(net: GraphBuilder, image: Tensor, config: ResNetBackbone, root: str) -> Mapping[int, Tensor]:
    """Return the maps of levels 2 to 5 of the ResNet at the path *root* on *image*."""
    builder = _ResNetBuilder(Blocks(net, config.norm), WeightedLayers(root), config)
    x = builder.stem(image, STEMS[config.stem])
    maps = {}
    for number, (filters, count) in enumerate(zip(FILTERS, UNITS[config.layers], strict=True)):
        x = builder.group(x, filters, 1 if number == 0 else 2, (1,) * count)
        maps[2 + number] = x
    return maps


def build_dilated_resnet(
    net: GraphBuilder, image: Tensor, config: DilatedResNetBackbone, root: str
) -> Mapping[int, Tensor]:
    """Return the maps of the dilated ResNet at the path *root* by level; the last one has its output stride."""
    builder = _ResNetBuilder(Blocks(net, config.plain.norm), WeightedLayers(root), config.plain)
    x = builder.stem(image, DILATED_STEMS[config.plain.stem])
    maps = {}
    for level, filters, stride, dilations in _groups(config):
        x = builder.group(x, filters, stride, dilations)
        maps[level] = x
    return maps


def _groups(config: DilatedResNetBackbone) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
    """Yield the level, the filters, the stride and the dilations of the blocks of each group."""
    current, dilation = 4, 1
    counts = UNITS[config.plain.layers]
    for number, (filters, count) in enumerate(zip(FILTERS, counts, strict=True)):
        stride = 1 if number == 0 else 2
        if stride == 2 and current >= config.output_stride:
            stride, dilation = 1, dilation * 2
        current *= stride
        last = number == len(FILTERS) - 1
        yield current.bit_length() - 1, filters, stride, _dilations(count, dilation, config.multigrid if last else ())
    for _repeat in range(config.last_stage_repeats - 1):
        dilation *= 2
        grid = _dilations(counts[-1], dilation, config.multigrid)
        yield current.bit_length() - 1, FILTERS[-1], 1, grid


def _dilations(count: int, dilation: int, multigrid: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dilation * (multigrid[number] if multigrid else 1) for number in range(count))


@dataclass(frozen=True)
class _ResNetBuilder:
    blocks: Blocks
    names: WeightedLayers
    config: ResNetBackbone

    def stem(self, x: Tensor, layers: tuple[tuple[int, int, int], ...]) -> Tensor:
        for filters, kernel, stride in layers:
            x = self.blocks.conv(
                x, self.names.pair(), int(filters * self.config.stem_multiplier), kernel, stride=stride
            )
        if self.config.conv_for_pool:
            filters = int(FILTERS[0] * self.config.depth_multiplier)
            return self.blocks.conv(x, self.names.pair(), filters, 3, stride=2)
        return self.blocks.net.max_pool(x, 3, 2, "stem_pool")

    def group(self, x: Tensor, filters: int, stride: int, dilations: tuple[int, ...]) -> Tensor:
        config = self.config
        bottleneck = config.layers >= BOTTLENECK_FROM
        for number, dilation in enumerate(dilations):
            unit = Unit(
                int(filters * config.depth_multiplier),
                stride=stride if number == 0 else 1,
                dilation=dilation,
                projected=number == 0,
                bottleneck=bottleneck,
                se_ratio=config.se_ratio,
                pooled_shortcut=config.pooled_shortcut and bottleneck,
            )
            x = self.blocks.unit(x, self.names.one(), unit)
        return x
