"""The 3-D ResNets of TF-Vision: SlowOnly, R3D and R3D-RS, whose bottlenecks convolve time and space one by one.

Sources: Feichtenhofer et al., SlowFast Networks, ICCV 2019; Du et al., Revisiting 3D ResNets for Video Recognition,
2021; Xie et al., Rethinking Spatiotemporal Feature Learning, ECCV 2018, for the self-gating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.blocks import WIDENING, NormActivation, WeightedLayers
from detlite.convert.rebuild.network.clip_layers import ClipLayers
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import batch_norm_of
from detlite.convert.rebuild.network.tf_vision_resnet import FILTERS, UNITS
from detlite.runtime.arrays import Floats

Sides = tuple[int, int, int]
"""Of a kernel, in frames, rows and columns."""

LAYERS = tuple(layers for layers in UNITS if layers in (50, 101, 152, 200, 270, 300, 350))
SPATIAL_STRIDES = (1, 2, 2, 2)

STEMS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "v0": ((64, 7, 2),),
    "v1": ((32, 3, 2), (32, 3, 1), (64, 3, 1)),
}
"""(filters, side of the kernel, stride in space) of each convolution; the first also covers several frames."""


@dataclass(frozen=True)
class BlockGroup:
    """The blocks between two changes of size.

    Attributes:
        kernels: the frames that the first convolution of each block covers.
        stride: in time, of the first block.
        gated: whether the last block has a self-gating.
    """

    kernels: tuple[int, ...]
    stride: int
    gated: bool


@dataclass(frozen=True)
class Resnet3dBackbone:
    """A 3-D ResNet.

    Attributes:
        norm: of all its convolutions.
        stem: of `STEMS`.
        stem_frames: the frames that the first convolution covers.
        stem_stride: of the first convolution, in time.
        pool_stride: of the first pool, in time.
        groups: its four groups.
        se_ratio: of the squeeze-and-excite in its blocks; 0 for none.
    """

    norm: NormActivation
    stem: str
    stem_frames: int
    stem_stride: int
    pool_stride: int
    groups: tuple[BlockGroup, ...]
    se_ratio: float = 0.0


@dataclass(frozen=True)
class _Unit:
    filters: int
    kernel: int
    strides: tuple[int, int]
    gated: bool


def build_resnet_3d(net: GraphBuilder, frames: Tensor, config: Resnet3dBackbone, root: str) -> Tensor:
    """Return the last map [frames, H, W, C] of the ResNet at the path *root*, of *frames* [frames, H, W, 3]."""
    builder, names = _Builder(net, config), WeightedLayers(root)
    x = frames
    for number, (filters, side, stride) in enumerate(STEMS[config.stem]):
        sides = (config.stem_frames if number == 0 else 1, side, side)
        strides = (config.stem_stride if number == 0 else 1, stride)
        x = builder.conv(x, names.pair(), filters, sides, strides=strides)
    x = ClipLayers(net).max_pool(x, (config.pool_stride, 2), "stem_pool")
    for filters, stride, group in zip(FILTERS, SPATIAL_STRIDES, config.groups, strict=True):
        for number, kernel in enumerate(group.kernels):
            strides = (group.stride, stride) if number == 0 else (1, 1)
            gated = group.gated and number == len(group.kernels) - 1
            x = builder.unit(x, names.one(), _Unit(filters, kernel, strides, gated))
    return x


class _Builder:
    def __init__(self, net: GraphBuilder, config: Resnet3dBackbone) -> None:
        self._net, self._config, self._clip = net, config, ClipLayers(net)
        self._norm = BatchNorm(config.norm.epsilon, scale=True)

    def unit(self, x: Tensor, scope: str, unit: _Unit) -> Tensor:
        """Return the bottleneck *unit* on *x*."""
        time, space = unit.strides
        y = self.conv(x, _scopes(scope, "_temporal_conv", 1), unit.filters, (unit.kernel, 1, 1), strides=(time, 1))
        y = self.conv(y, _scopes(scope, "_spatial_conv", 2), unit.filters, (1, 3, 3), strides=(1, space))
        channels = unit.filters * WIDENING
        y = self.conv(y, _scopes(scope, "_expand_conv", 3), channels, (1, 1, 1), linear=True)
        if unit.gated:
            y = self._self_gated(y, f"{scope}/_self_gating")
        if self._config.se_ratio > 0:
            y = self._excited(y, f"{scope}/_squeeze_excitation")
        y = self._net.add(y, self._shortcut(x, scope, channels, unit.strides), scope)
        return self._net.activate(y, self._config.norm.activation, scope)

    def _shortcut(self, x: Tensor, scope: str, channels: int, strides: tuple[int, int]) -> Tensor:
        if self._net.channels(x) != channels:
            scopes = _scopes(scope, "_shortcut_conv", 0)
            return self.conv(x, scopes, channels, (1, 1, 1), strides=strides, linear=True)
        x = self._clip.every(x, strides[0], f"{scope}/_shortcut")
        return x if strides[1] == 1 else self._net.max_pool(x, 1, strides[1], f"{scope}/_shortcut")

    def conv(
        self,
        x: Tensor,
        scopes: tuple[str, str],
        filters: int,
        sides: Sides,
        *,
        strides: tuple[int, int] = (1, 1),
        linear: bool = False,
    ) -> Tensor:
        """Return a convolution of *x* with its batch norm and the activation; *scopes* are those of the two layers."""
        scope = scopes[0]
        kernel = self._net.variable(f"{scope}/kernel", (*sides, self._net.channels(x), filters))
        scale, shift = batch_norm_of(self._net, scopes[1], filters, self._norm)
        folded, bias = (kernel.astype(np.float64) * scale).astype(np.float32), shift.astype(np.float32)
        y = self._convolved(x, folded, bias, strides, scope)
        return y if linear else self._net.activate(y, self._config.norm.activation, scope)

    def _convolved(self, x: Tensor, kernel: Floats, bias: Floats, strides: tuple[int, int], scope: str) -> Tensor:
        if kernel.shape[1:3] == (1, 1) and strides[1] == 1:
            return self._clip.temporal(x, kernel[:, 0, 0], bias, stride=strides[0], name=scope)
        return self._clip.volume(x, kernel, bias, strides=strides, name=scope)

    def _self_gated(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* with each channel times its gate, which one convolution makes of the means of all."""
        means, channels = self._clip.mean(x, scope), self._net.channels(x)
        gate = self._pointwise(means, f"{scope}/_transformer_w", channels, "SIGMOID", sides=3)
        return self._net.multiply(x, gate, scope)

    def _excited(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* with each channel times its gate; the inner activation is ReLU, whatever the network's is."""
        channels = self._net.channels(x)
        inner = max(1, int(channels * self._config.se_ratio))
        y = self._pointwise(self._clip.mean(x, scope), f"{scope}/_se_reduce", inner, "RELU")
        return self._net.multiply(x, self._pointwise(y, f"{scope}/_se_expand", channels, "SIGMOID"), scope)

    def _pointwise(self, x: Tensor, scope: str, filters: int, activation: str, *, sides: int = 2) -> Tensor:
        """Return the convolution of *x* of one place; the original's kernel has so many *sides* of 1."""
        channels = self._net.channels(x)
        kernel = self._net.variable(f"{scope}/kernel", (*(1,) * sides, channels, filters))
        kernel = kernel.reshape(1, 1, channels, filters)
        bias = self._net.variable(f"{scope}/bias", (filters,))
        return self._net.activate(self._net.conv(x, kernel, bias, name=scope), activation, scope)


def _scopes(scope: str, conv: str, norm: int) -> tuple[str, str]:
    return f"{scope}/{conv}", f"{scope}/_norm{norm}"
