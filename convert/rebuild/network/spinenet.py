"""SpineNet, a backbone whose maps change their scale and cross, and its mobile form.

Source: Du et al., SpineNet, CVPR 2020, figure 4 and table 1; `official/vision/modeling/backbones/spinenet.py` and
`spinenet_mobile.py` for the resampling and for the order of the layers, which the checkpoints number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from detlite.convert.graph.trained_ranges import LAYER, NO_RANGE
from detlite.convert.rebuild.network.blocks import Blocks, InvertedUnit, NormActivation, Unit
from detlite.convert.rebuild.network.fpn import TILING
from detlite.convert.rebuild.network.functional import PLAIN_LAYER, WEIGHTED, Build, FunctionalModel, Step
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.runtime.errors import InputError

BOTTLENECK, RESIDUAL, INVERTED = "bottleneck", "residual", "mbconv"
CONV_NORM, CONV_NORM_ACT = (WEIGHTED, WEIGHTED), (WEIGHTED, WEIGHTED, PLAIN_LAYER)


@dataclass(frozen=True)
class SpineBlock:
    """One block: its level, its kind, the two maps it joins (0 and 1 are the stem's), and whether it is an output."""

    level: int
    kind: str
    inputs: tuple[int, int]
    is_output: bool = False


SPINENET = (
    SpineBlock(2, BOTTLENECK, (0, 1)),
    SpineBlock(4, RESIDUAL, (0, 1)),
    SpineBlock(3, BOTTLENECK, (2, 3)),
    SpineBlock(4, BOTTLENECK, (2, 4)),
    SpineBlock(6, RESIDUAL, (3, 5)),
    SpineBlock(4, BOTTLENECK, (3, 5)),
    SpineBlock(5, RESIDUAL, (6, 7)),
    SpineBlock(7, RESIDUAL, (6, 8)),
    SpineBlock(5, BOTTLENECK, (8, 9)),
    SpineBlock(5, BOTTLENECK, (8, 10)),
    SpineBlock(4, BOTTLENECK, (5, 10), is_output=True),
    SpineBlock(3, BOTTLENECK, (4, 10), is_output=True),
    SpineBlock(5, BOTTLENECK, (7, 12), is_output=True),
    SpineBlock(7, BOTTLENECK, (5, 14), is_output=True),
    SpineBlock(6, BOTTLENECK, (12, 14), is_output=True),
    SpineBlock(2, BOTTLENECK, (2, 13), is_output=True),
)

SPINENET_MOBILE = (
    SpineBlock(2, INVERTED, (0, 1)),
    SpineBlock(2, INVERTED, (1, 2)),
    SpineBlock(4, INVERTED, (1, 2)),
    SpineBlock(3, INVERTED, (3, 4)),
    SpineBlock(4, INVERTED, (3, 5)),
    SpineBlock(6, INVERTED, (4, 6)),
    SpineBlock(4, INVERTED, (4, 6)),
    SpineBlock(5, INVERTED, (7, 8)),
    SpineBlock(7, INVERTED, (7, 9)),
    SpineBlock(5, INVERTED, (9, 10)),
    SpineBlock(5, INVERTED, (9, 11)),
    SpineBlock(4, INVERTED, (6, 11), is_output=True),
    SpineBlock(3, INVERTED, (5, 11), is_output=True),
    SpineBlock(5, INVERTED, (8, 13), is_output=True),
    SpineBlock(7, INVERTED, (6, 15), is_output=True),
    SpineBlock(6, INVERTED, (13, 15), is_output=True),
)

FILTERS = {1: 32, 2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}
MOBILE_FILTERS = {0: 8, 1: 16, 2: 24, 3: 40, 4: 80, 5: 112, 6: 112, 7: 112}
STEM = 64


@dataclass(frozen=True)
class SpineNetBackbone:
    """A SpineNet.

    Attributes:
        norm: of all its convolutions.
        levels: the lowest and the highest level.
        endpoint: the filters of its maps.
        scale: of all filters.
        alpha: of the filters that maps are resampled with.
        repeats: how often each block is repeated.
        up_layers: how many Keras layers an upsampling is: 1, or `TILING`.
    """

    norm: NormActivation
    levels: tuple[int, int]
    endpoint: int
    scale: float
    alpha: float
    repeats: int
    up_layers: int = TILING


@dataclass(frozen=True)
class MobileSpineNetBackbone:
    """A mobile SpineNet.

    Attributes:
        norm: of all its convolutions.
        levels: the lowest and the highest level.
        endpoint: the filters of its maps.
        scale: of all filters.
        expansion: of its inverted bottlenecks.
        se_ratio: of their squeeze-and-excite; 0 for none.
        up_layers: how many Keras layers an upsampling is: 1, or `TILING`.
    """

    norm: NormActivation
    levels: tuple[int, int]
    endpoint: int
    scale: float
    expansion: int
    se_ratio: float
    up_layers: int = TILING


def build_spinenet(net: GraphBuilder, image: Tensor, config: SpineNetBackbone, root: str) -> Mapping[int, Tensor]:
    """Return the maps of the SpineNet at the path *root* on *image*, by level."""
    return _SpineNet(Blocks(net, config.norm), FunctionalModel(root, wrapped=net.wrapped), config).build(image)


def build_spinenet_mobile(
    net: GraphBuilder, image: Tensor, config: MobileSpineNetBackbone, root: str
) -> Mapping[int, Tensor]:
    """Return the maps of the mobile SpineNet at the path *root* on *image*, by level."""
    return _MobileSpineNet(Blocks(net, config.norm), FunctionalModel(root, wrapped=net.wrapped), config).build(image)


@dataclass(frozen=True)
class _Map:
    """A map of the network: its step, its kind of block, its width in pixels and its channels; *used* by later ones."""

    step: Step
    kind: str
    width: int
    channels: int
    used: list[int] = field(default_factory=list)


class _Spine:
    """What both forms share: the order in which maps are joined, and how they are resampled.

    Attributes:
        nodes: the blocks, in their order.
        unused_first: whether a map that no block took is the first of a sum, which decides the order of layers.
    """

    nodes: Sequence[SpineBlock]
    unused_first: bool

    def __init__(
        self, blocks: Blocks, model: FunctionalModel, config: SpineNetBackbone | MobileSpineNetBackbone
    ) -> None:
        self._blocks, self._model, self._config = blocks, model, config

    def build(self, image: Tensor) -> dict[int, Tensor]:
        """Return the maps by level."""
        self._width: int = self._blocks.net.size(image)[1]
        maps = self._stem(self._model.input(image))
        endpoints: dict[int, Step] = {}
        for node in self.nodes:
            level = self._level(node)
            parts = [self._resampled(maps[number], node, level) for number in node.inputs]
            for number in node.inputs:
                maps[number].used.append(len(maps))
            if node.is_output:
                parts.extend(self._unused(maps, level, node))
            step = self._grown(self._plain(self._activate, (self._joined(parts),)), node, level)
            channels = self._channels(node.kind, level)
            maps.append(_Map(step, node.kind, self._side(level), channels))
            if node.is_output:
                endpoints[level] = step
        low, high = self._config.levels
        steps = {level: self._conv_norm(endpoints[level], self._config.endpoint, 1) for level in range(low, high + 1)}
        return self._model.run(steps)

    def _stem(self, image: Step) -> list[_Map]:
        raise NotImplementedError

    def _level(self, node: SpineBlock) -> int:
        raise NotImplementedError

    def _channels(self, kind: str, level: int) -> int:
        raise NotImplementedError

    def _grown(self, step: Step, node: SpineBlock, level: int) -> Step:
        raise NotImplementedError

    def _resampled(self, source: _Map, node: SpineBlock, level: int) -> Step:
        raise NotImplementedError

    def _side(self, level: int) -> int:
        return math.ceil(self._width / (1 << level))

    def _joined(self, parts: Sequence[Step]) -> Step:
        """Return the sum of two *parts* or more, which the activation takes."""
        joined, last = parts[0], len(parts) - 1
        for number, part in enumerate(parts[1:], 1):
            pair = (part, joined) if number > 1 and self.unused_first else (joined, part)
            joined = self._plain(self._sum if number == last else self._inner_sum, pair)
        return joined

    def _unused(self, maps: Sequence[_Map], level: int, node: SpineBlock) -> Iterator[Step]:
        """Yield all maps of the shape of *node*'s that no block has taken yet, and take them."""
        channels = self._channels(node.kind, level)
        for one in maps:
            if not one.used and one.width == self._side(level) and one.channels == channels:
                one.used.append(len(maps))
                yield one.step

    def _plain(self, build: Build, before: tuple[Step, ...], layers: int = 1) -> Step:
        return self._model.step(build, before, (PLAIN_LAYER,) * layers)

    def _ranged(self, x: Tensor, scopes: tuple[str, ...]) -> Tensor:
        """Return *x* rounded to the range of the last of its layers."""
        return self._blocks.net.ranged(x, scopes[-1], LAYER) if scopes else x

    def _conv_norm(self, before: Step, filters: int, kernel: int, *, stride: int = 1, linear: bool = False) -> Step:
        slim, norm = self._blocks.slim, self._blocks.norm

        def build(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            style = replace(norm.linear if linear else norm.style, ranged=False)
            x = slim.conv(tensors[0], scopes[0], filters, kernel, style=style, stride=stride, norm_scope=scopes[1])
            return self._ranged(x, scopes)

        return self._model.step(build, (before,), CONV_NORM if linear else CONV_NORM_ACT)

    def _upsampled(self, before: Step, factor: int) -> Step:
        def build(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            x = self._blocks.net.again(tensors[0], scopes[0]) if scopes else tensors[0]
            rows, columns = self._blocks.net.size(x)
            return self._blocks.net.resize_nearest(x, (rows * factor, columns * factor), "upsampled")

        return self._plain(build, (before,), self._config.up_layers)

    def _activate(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        return self._ranged(self._blocks.net.activate(tensors[0], self._blocks.norm.activation, "joined"), scopes)

    def _inner_sum(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        return self._ranged(self._added(tensors), scopes)

    def _sum(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        x = self._added(tensors)
        return self._blocks.net.normed(x, self._blocks.norm.activation, scopes[-1]) if scopes else x

    def _added(self, tensors: tuple[Tensor, ...]) -> Tensor:
        first, second = tensors
        sides = [" x ".join(map(str, self._blocks.net.size(one))) for one in tensors]
        if sides[0] != sides[1]:
            multiple = 2 ** max(self._level(node) for node in self.nodes)
            raise InputError(
                f"a SpineNet cannot add maps of {sides[0]} and {sides[1]} cells: give --input with sides that are "
                f"multiples of {multiple}"
            )
        return self._blocks.net.add(first, second, "sum", kind=NO_RANGE)


class _SpineNet(_Spine):
    nodes = SPINENET
    unused_first = True
    _config: SpineNetBackbone

    def _filters(self, level: int) -> int:
        return int(FILTERS[level] * self._config.scale)

    def _level(self, node: SpineBlock) -> int:
        return node.level

    def _channels(self, kind: str, level: int) -> int:
        return self._filters(level) * (4 if kind == BOTTLENECK else 1)

    def _stem(self, image: Step) -> list[_Map]:
        x = self._conv_norm(image, STEM, 7, stride=2)
        x = self._plain(self._pooled, (x,))
        maps, node = [], SpineBlock(2, BOTTLENECK, (0, 0))
        for number in range(2):
            x = self._unit(x, node, 2, projected=number == 0)
            maps.append(_Map(x, BOTTLENECK, self._side(2), self._channels(BOTTLENECK, 2)))
        return maps

    def _pooled(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        del scopes
        return self._blocks.net.max_pool(tensors[0], 3, 2, "pooled")

    def _unit(self, before: Step, node: SpineBlock, level: int, *, projected: bool) -> Step:
        unit = Unit(self._filters(level), projected=projected, bottleneck=node.kind == BOTTLENECK)

        def build(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            return self._blocks.unit(tensors[0], scopes[0], unit)

        return self._model.step(build, (before,), (WEIGHTED,))

    def _grown(self, step: Step, node: SpineBlock, level: int) -> Step:
        for _repeat in range(self._config.repeats):
            step = self._unit(step, node, level, projected=False)
        return self._plain(_identity, (step,))

    def _resampled(self, source: _Map, node: SpineBlock, level: int) -> Step:
        inner = source.channels // 4 if source.kind == BOTTLENECK else source.channels
        inner = int(inner * self._config.alpha)
        x, target = self._conv_norm(source.step, inner, 1), self._side(level)
        if source.width > target:
            x = self._conv_norm(x, inner, 3, stride=2)
            width = source.width / 2
            while width > target:
                x, width = self._plain(self._pooled, (x,)), width / 2
        elif source.width < target:
            x = self._upsampled(x, target // source.width)
        return self._conv_norm(x, self._channels(node.kind, level), 1, linear=True)


class _MobileSpineNet(_Spine):
    nodes = SPINENET_MOBILE
    unused_first = False
    _config: MobileSpineNetBackbone

    def _filters(self, level: int) -> int:
        return int(MOBILE_FILTERS[level] * self._config.scale)

    def _level(self, node: SpineBlock) -> int:
        return min(node.level, self._config.levels[1])

    def _channels(self, kind: str, level: int) -> int:
        del kind
        return self._filters(level)

    def _stem(self, image: Step) -> list[_Map]:
        x = self._conv_norm(image, self._filters(0), 3, stride=2)
        maps = []
        for level, stride in ((1, 1), (2, 2)):
            x = self._plain(_identity, (self._inverted(x, level, stride),))
            maps.append(_Map(x, INVERTED, self._side(level), self._filters(level)))
        return maps

    def _inverted(self, before: Step, level: int, stride: int) -> Step:
        config = self._config
        unit = InvertedUnit(self._filters(level), config.expansion, stride=stride, divisor=1, se_ratio=config.se_ratio)

        def build(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            return self._blocks.inverted(tensors[0], scopes[0], unit)

        return self._model.step(build, (before,), (WEIGHTED,))

    def _grown(self, step: Step, node: SpineBlock, level: int) -> Step:
        del node
        return self._plain(_identity, (self._inverted(step, level, 1),))

    def _resampled(self, source: _Map, node: SpineBlock, level: int) -> Step:
        x, target, width = source.step, self._side(level), float(source.width)
        while width > target:
            x, width = self._halved(x), width / 2
        if width < target:
            x = self._upsampled(x, target // source.width)
        return self._conv_norm(x, self._channels(node.kind, level), 1, linear=True)

    def _halved(self, before: Step) -> Step:
        slim, style = self._blocks.slim, replace(self._blocks.norm.style, ranged=False)

        def build(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            x = slim.depthwise(tensors[0], scopes[0], 3, style=style, stride=2, norm_scope=scopes[1])
            return self._ranged(x, scopes)

        return self._model.step(build, (before,), CONV_NORM_ACT)


def _identity(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
    """Return the tensor as it is: `tf.identity` is a layer of its own in Keras."""
    del scopes
    return tensors[0]
