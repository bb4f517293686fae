"""The feature pyramid of TF-Vision.

Source: Lin et al., Feature Pyramid Networks, CVPR 2017; `official/vision/modeling/decoders/fpn.py` for what is beside
it: biases on all convolutions, and a batch norm for each level at the end, without an activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detlite.convert.graph.trained_ranges import LAYER, NO_RANGE, WEIGHTS
from detlite.convert.rebuild.network.blocks import Blocks, NormActivation
from detlite.convert.rebuild.network.functional import BARE, PLAIN_LAYER, WEIGHTED, Build, FunctionalModel, Step
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import PLAIN, batch_norm_of

TILING = 5
"""The longest chain of Keras layers in `nearest_upsampling` by TensorFlow: shape, item, reshape, tile, reshape."""


@dataclass(frozen=True)
class PyramidConfig:
    """`decoder.fpn` of a model.

    Attributes:
        filters: of all its convolutions.
        separable: whether its convolutions are separable, the lateral ones of 1x1 too.
        levels: the lowest and the highest level.
        up_layers: how many Keras layers an upsampling is: 1, or `TILING` if it is written in TensorFlow's operators.
        has_ranges: whether it was trained aware of quantization: its layers are wrapped, but for an upsampling, and a
            separable convolution is two layers.
    """

    filters: int
    separable: bool
    levels: tuple[int, int]
    up_layers: int = 1
    has_ranges: bool = False


def build_fpn(
    net: GraphBuilder, maps: Mapping[int, Tensor], config: PyramidConfig, norm: NormActivation, root: str
) -> dict[int, Tensor]:
    """Return the levels of the pyramid at the path *root* on a backbone's *maps*, by level."""
    return _Pyramid(Blocks(net, norm), config, FunctionalModel(root, wrapped=config.has_ranges)).build(maps)


@dataclass(frozen=True)
class _Pyramid:
    blocks: Blocks
    config: PyramidConfig
    model: FunctionalModel

    def build(self, maps: Mapping[int, Tensor]) -> dict[int, Tensor]:
        low, high = self.config.levels
        top = min(high, max(maps))
        inputs = {level: self.model.input(maps[level]) for level in range(low, top + 1)}
        laterals = {level: self._conv(inputs[level], 1) for level in inputs}
        sums = {top: laterals[top]}
        upsampling = BARE if self.config.has_ranges else PLAIN_LAYER
        for level in range(top - 1, low - 1, -1):
            up = self.model.step(self._doubled, (sums[level + 1],), (upsampling,) * self.config.up_layers)
            sums[level] = self.model.step(self._sum, (up, laterals[level]), (PLAIN_LAYER,))
        levels = {level: self._conv(sums[level], 3) for level in range(low, top + 1)}
        for level in range(top + 1, high + 1):
            before = levels[level - 1]
            if level > top + 1:
                before = self.model.step(self._activated, (before,), (PLAIN_LAYER,))
            levels[level] = self._conv(before, 3, stride=2)
        return self.model.run({level: self.model.step(self._normed, (step,)) for level, step in levels.items()})

    def _conv(self, before: Step, kernel: int, *, stride: int = 1) -> Step:
        layers = (WEIGHTED, WEIGHTED) if self.config.separable and self.config.has_ranges else (WEIGHTED,)
        return self.model.step(self._convolution(kernel, stride), (before,), layers)

    def _convolution(self, kernel: int, stride: int) -> Build:
        slim, filters = self.blocks.slim, self.config.filters
        build = slim.separable if self.config.separable else slim.conv

        def convolution(scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
            if len(scopes) > 1:
                pair = (scopes[0], scopes[1])
                return self.blocks.separable(tensors[0], pair, filters, kernel, style=PLAIN, stride=stride)
            return build(tensors[0], scopes[0], filters, kernel, style=PLAIN, stride=stride)

        return convolution

    def _doubled(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        del scopes
        rows, columns = self.blocks.net.size(tensors[0])
        return self.blocks.net.resize_nearest(tensors[0], (2 * rows, 2 * columns), "fpn/doubled")

    def _sum(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        finer, lateral = tensors
        return self._ranged(self.blocks.net.add(finer, lateral, "fpn/sum", kind=NO_RANGE), scopes)

    def _activated(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        return self._ranged(self.blocks.net.activate(tensors[0], self.blocks.norm.activation, "fpn/activation"), scopes)

    def _ranged(self, x: Tensor, scopes: tuple[str, ...]) -> Tensor:
        return self.blocks.net.ranged(x, scopes[0], LAYER) if scopes else x

    def _normed(self, scopes: tuple[str, ...], tensors: tuple[Tensor, ...]) -> Tensor:
        net = self.blocks.net
        norm = self.blocks.norm.style.norm
        assert norm is not None
        scale, shift = (one.astype("float32") for one in batch_norm_of(net, scopes[0], net.channels(tensors[0]), norm))
        if not net.quantized:
            return net.add(net.multiply(tensors[0], scale, scopes[0]), shift, scopes[0])
        kernel = net.ranged(scale[None, None, :, None], scopes[0], WEIGHTS)
        return self._ranged(net.depthwise(tensors[0], kernel, shift, name=scopes[0]), scopes)
