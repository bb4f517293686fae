"""Inception-ResNet V2 in two parts: the first for the whole image, the last blocks for each of its regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.functional import PLAIN_LAYER, WEIGHTED, Build, FunctionalModel, LayerKind, Step
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.inception import (
    AVERAGE,
    WINDOW,
    Branches,
    Conv,
    InceptionBuilder,
    Layer,
    Pool,
)
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style

NORM = BatchNorm(scale=False)
STYLE = Style("RELU", NORM)
"""The config's hyperparameters do not reach this backbone."""

SHRINK = Pool(largest=True, stride=2)
DILATION = 2
"""Of the blocks after the one that keeps its stride, in a first part with cells of 8 pixels."""


@dataclass(frozen=True)
class Residual:
    """A block whose branches are projected to the width of its input, scaled and added to it.

    Attributes:
        scope: in TF-Slim.
        branches: of the block.
        share: what the projection is multiplied by.
        activates: whether the sum is activated.
    """

    scope: str
    branches: Branches
    share: float
    activates: bool = True


def _repeated(repeat: str, name: str, count: int, branches: Branches, share: float) -> tuple[Residual, ...]:
    return tuple(Residual(f"{repeat}/{name}_{number}", branches, share) for number in range(1, count + 1))


STEM: tuple[Layer, ...] = (
    Conv("Conv2d_1a_3x3", 32, 3, stride=2),
    Conv("Conv2d_2a_3x3", 32, 3),
    Conv("Conv2d_2b_3x3", 64, 3),
    SHRINK,
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, 3),
    SHRINK,
)
MIXED_5B: Branches = (
    (Conv("Conv2d_1x1", 96),),
    (Conv("Conv2d_0a_1x1", 48), Conv("Conv2d_0b_5x5", 64, 5)),
    (Conv("Conv2d_0a_1x1", 64), Conv("Conv2d_0b_3x3", 96, 3), Conv("Conv2d_0c_3x3", 96, 3)),
    (AVERAGE, Conv("Conv2d_0b_1x1", 64)),
)
BLOCK35: Branches = (
    (Conv("Conv2d_1x1", 32),),
    (Conv("Conv2d_0a_1x1", 32), Conv("Conv2d_0b_3x3", 32, 3)),
    (Conv("Conv2d_0a_1x1", 32), Conv("Conv2d_0b_3x3", 48, 3), Conv("Conv2d_0c_3x3", 64, 3)),
)
BLOCK17: Branches = (
    (Conv("Conv2d_1x1", 192),),
    (Conv("Conv2d_0a_1x1", 128), Conv("Conv2d_0b_1x7", 160, (1, 7)), Conv("Conv2d_0c_7x1", 192, (7, 1))),
)
BLOCK8: Branches = (
    (Conv("Conv2d_1x1", 192),),
    (Conv("Conv2d_0a_1x1", 192), Conv("Conv2d_0b_1x3", 224, (1, 3)), Conv("Conv2d_0c_3x1", 256, (3, 1))),
)
BLOCKS35 = _repeated("Repeat", "block35", 10, BLOCK35, 0.17)
BLOCKS17 = _repeated("Repeat_1", "block17", 20, BLOCK17, 0.10)
BLOCKS8 = (*_repeated("Repeat", "block8", 9, BLOCK8, 0.20), Residual("Block8", BLOCK8, 1.0, activates=False))
LAST = Conv("Conv2d_7b_1x1", 1536)


def mixed_6a(stride: int) -> Branches:
    """Return the block before the twenty, with a stride of 2, or of 1 where cells stay at 8 pixels."""
    return (
        (Conv("Conv2d_1a_3x3", 384, 3, stride=stride),),
        (Conv("Conv2d_0a_1x1", 256), Conv("Conv2d_0b_3x3", 256, 3), Conv("Conv2d_1a_3x3", 384, 3, stride=stride)),
        (Pool(largest=True, stride=stride),),
    )


def mixed_7a(*, valid: bool) -> Branches:
    """Return the first block of regions; it is not padded if *valid*."""
    return (
        (Conv("Conv2d_0a_1x1", 256), Conv("Conv2d_1a_3x3", 384, 3, stride=2, valid=valid)),
        (Conv("Conv2d_0a_1x1", 256), Conv("Conv2d_1a_3x3", 288, 3, stride=2, valid=valid)),
        (
            Conv("Conv2d_0a_1x1", 256),
            Conv("Conv2d_0b_3x3", 288, 3),
            Conv("Conv2d_1a_3x3", 320, 3, stride=2, valid=valid),
        ),
        (Pool(largest=True, stride=2, valid=valid),),
    )


class TwoStageInceptionResNet:
    """The backbone of TF1, with TF-Slim's names."""

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, whose cells are *stride* (8 or 16) pixels apart."""
        builder = _SlimBlocks(net, "FirstStageFeatureExtractor/InceptionResnetV2")
        x = builder.sequence(image, STEM)
        x = builder.mixed(x, MIXED_5B, "Mixed_5b")
        for block in BLOCKS35:
            x = builder.residual(x, block)
        x = builder.mixed(x, mixed_6a(stride // 8), "Mixed_6a")
        for block in BLOCKS17:
            x = builder.residual(x, block, dilation=DILATION if stride == 8 else 1)
        return x

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, 17, 17, channels]: [count, 8, 8, 1536]."""
        builder = _SlimBlocks(net, "SecondStageFeatureExtractor/InceptionResnetV2")
        x = builder.mixed(regions, mixed_7a(valid=True), "Mixed_7a")
        for block in BLOCKS8:
            x = builder.residual(x, block)
        return builder.sequence(x, (LAST,))


class _SlimBlocks:
    """Blocks under TF-Slim's names in *scope*."""

    def __init__(self, net: GraphBuilder, scope: str) -> None:
        self._net, self._scope = net, scope

    def sequence(self, x: Tensor, layers: Sequence[Layer]) -> Tensor:
        """Return the output of *layers*, one after the other."""
        for layer in layers:
            x = self._builder(1).layer(x, layer, self._scope)
        return x

    def mixed(self, x: Tensor, branches: Branches, name: str, dilation: int = 1) -> Tensor:
        """Return the concatenated outputs of *branches*."""
        return self._builder(dilation).mixed(x, branches, f"{self._scope}/{name}")

    def residual(self, x: Tensor, block: Residual, dilation: int = 1) -> Tensor:
        """Return the output of the residual *block*."""
        scope = f"{self._scope}/{block.scope}"
        y = self.mixed(x, block.branches, block.scope, dilation)
        y = Slim(self._net).conv(y, f"{scope}/Conv2d_1x1", self._net.channels(x), 1, style=PLAIN)
        return _added(self._net, x, y, block, scope)

    def _builder(self, dilation: int) -> InceptionBuilder:
        return InceptionBuilder(self._scope, Slim(self._net), STYLE, FeatureExtractor("faster_rcnn"), dilation)


def _added(net: GraphBuilder, x: Tensor, y: Tensor, block: Residual, scope: str) -> Tensor:
    total = net.add(x, net.multiply(y, np.float32(block.share), f"{scope}/scaled"), scope)
    return net.activate(total, "RELU" if block.activates else "NONE", scope)


class TwoStageKerasInceptionResNet:
    """The backbone of TF2: two Keras models, whose layers are numbered; nothing is computed without padding."""

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, with cells 16 pixels apart."""
        del stride  # there is no other
        blocks = _KerasBlocks(net, "model/_feature_extractor_for_proposal_features", image)
        blocks.sequence(STEM)
        blocks.mixed(MIXED_5B)
        blocks.residuals(BLOCKS35)
        blocks.mixed(mixed_6a(2))
        blocks.residuals(BLOCKS17)
        return blocks.built()

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, 17, 17, channels]: [count, 9, 9, 1536]."""
        blocks = _KerasBlocks(net, "model/_feature_extractor_for_box_classifier_features", regions)
        blocks.mixed(mixed_7a(valid=False))
        blocks.residuals(BLOCKS8)
        blocks.sequence((LAST,))
        return blocks.built()


class _KerasBlocks:
    """Blocks of a functional Keras model on *x*, whose path is *root*."""

    def __init__(self, net: GraphBuilder, root: str, x: Tensor) -> None:
        self._net, self._slim, self._root = net, Slim(net, KERAS_NAMES), root
        self._model = FunctionalModel(root)
        self._end = self._model.input(x)

    def built(self) -> Tensor:
        """Return the tensor of the last block."""
        return self._model.run({0: self._end})[0]

    def sequence(self, layers: Sequence[Layer]) -> None:
        """Add *layers*, one after the other."""
        self._end = self._sequence(self._end, layers)

    def mixed(self, branches: Branches) -> None:
        """Add *branches*, and what concatenates them."""
        self._end = self._mixed(branches)

    def residuals(self, blocks: Sequence[Residual]) -> None:
        """Add *blocks*, one after the other."""
        for block in blocks:
            self._residual(block)

    def _residual(self, block: Residual) -> None:
        scope, x = f"{self._root}/{block.scope}", self._end
        joined = self._mixed(block.branches)

        def project(scopes: tuple[str, ...], before: tuple[Tensor, ...]) -> Tensor:
            return self._slim.conv(before[0], scopes[0], self._net.channels(before[1]), 1, style=PLAIN)

        projected = self._model.step(project, (joined, x), (WEIGHTED,))
        layers = (PLAIN_LAYER, PLAIN_LAYER) if block.activates else (PLAIN_LAYER,)
        self._end = self._model.step(
            lambda _scopes, before: _added(self._net, before[0], before[1], block, scope), (x, projected), layers
        )

    def _mixed(self, branches: Branches) -> Step:
        ends = [self._sequence(self._end, layers) for layers in branches]
        return self._model.step(
            lambda _scopes, parts: self._net.concat(parts, 3, f"{self._root}/concat"), ends, (PLAIN_LAYER,)
        )

    def _sequence(self, step: Step, layers: Sequence[Layer]) -> Step:
        for layer in layers:
            step = self._model.step(*self._step(layer, step))
        return step

    def _step(self, layer: Layer, before: Step) -> tuple[Build, tuple[Step, ...], tuple[LayerKind, ...]]:
        """Return what builds *layer* after a step, and the kinds of its Keras layers."""
        if isinstance(layer, Pool):
            pool = self._net.max_pool if layer.largest else self._net.average_pool
            return (
                lambda _scopes, xs: pool(xs[0], WINDOW, layer.stride, f"{self._root}/pool"),
                (before,),
                (PLAIN_LAYER,),
            )
        assert isinstance(layer, Conv)
        conv = layer

        def build(scopes: tuple[str, ...], xs: tuple[Tensor, ...]) -> Tensor:
            kernel, norm = scopes
            return self._slim.conv(
                xs[0], kernel, conv.channels, conv.kernel, style=STYLE, stride=conv.stride, norm_scope=norm
            )

        return build, (before,), (WEIGHTED, WEIGHTED, PLAIN_LAYER)
