"""The decoder and the head of DeepLab V3 and V3+.

Sources: Chen et al., Rethinking Atrous Convolution, 2017, and Encoder-Decoder with Atrous Separable Convolution, ECCV
2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.convert.rebuild.network.blocks import Blocks, NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import PLAIN
from detlite.runtime.errors import InputError

ASPP, HEAD = "model/decoder/aspp", "model/head"
ASPP_ACTIVATION, HEAD_ACTIVATION = f"{ASPP}/_activation_fn", f"{HEAD}/_activation_layer"
"""The layers that all convolutions of a part share, and so the ranges of a quantization-aware model."""

GROWN, JOINED, POOLED, RESHAPED = "_resizing_layer", "_concat_layer", "wrapper-0", "wrapper-1"
"""Layers without variables, whose outputs have ranges in such a model."""


@dataclass(frozen=True)
class AsppConfig:
    """`decoder.aspp` of a model.

    Attributes:
        level: of the map that it takes.
        filters: of all its convolutions.
        dilations: of its 3x3 convolutions.
        pool: (rows, columns) of its pooling, in pixels of the input; None for the mean of the whole map.
    """

    level: int
    filters: int
    dilations: tuple[int, ...]
    pool: tuple[int, int] | None = None


@dataclass(frozen=True)
class SegmentationHead:
    """`head` of a segmenter.

    Attributes:
        convs: how many convolutions come before the classes.
        filters: of these.
        low_level: the level of the finer map that is joined to the decoder's; None for none (V3).
        low_filters: of the convolution on that map.
        kernel: of the last convolution.
    """

    convs: int
    filters: int
    low_level: int | None
    low_filters: int
    kernel: int


class DeepLab:
    """Builds the decoder and the head of one network."""

    def __init__(self, net: GraphBuilder, norm: NormActivation) -> None:
        self._net = net
        self._blocks = Blocks(net, norm)

    def aspp(self, maps: Mapping[int, Tensor], config: AsppConfig) -> Tensor:
        """Return the spatial pyramid pooling of one of a backbone's *maps*, at its size."""
        x = maps[config.level]
        parts = [self._branch(x, f"{ASPP}/aspp_layers/0", config.filters, 1)]
        for number, dilation in enumerate(config.dilations, 1):
            parts.append(self._branch(x, f"{ASPP}/aspp_layers/{number}", config.filters, 3, dilation))
        scope = f"{ASPP}/aspp_layers/{len(config.dilations) + 1}/layer_with_weights-0"
        pooled = self._branch(self._pooled(x, config, scope), scope, config.filters, 1)
        grown = self._net.resize_bilinear(pooled, self._net.size(x), scope)
        parts.append(self._net.ranged(grown, f"{ASPP}/{GROWN}"))
        return self._branch(self._net.joined(parts, f"{ASPP}/{JOINED}"), f"{ASPP}/projection", config.filters, 1)

    def logits(self, x: Tensor, maps: Mapping[int, Tensor], config: SegmentationHead, classes: int) -> Tensor:
        """Return the class logits of the decoder's map *x*.

        They have the size of *x*, or in V3+ the size of the finer map, `config.low_level` of *maps*.
        """
        if config.low_level is not None:
            scopes = (f"{HEAD}/_dlv3p_conv", f"{HEAD}/_dlv3p_norm")
            low = self._conv(maps[config.low_level], scopes, HEAD_ACTIVATION, config.low_filters, 1)
            grown = self._net.ranged(self._net.resize_bilinear(x, self._net.size(low), HEAD), f"{HEAD}/{GROWN}")
            x = self._net.joined([grown, low], f"{HEAD}/{JOINED}")
        for number in range(config.convs):
            scopes = (f"{HEAD}/_convs/{number}", f"{HEAD}/_norms/{number}")
            x = self._conv(x, scopes, HEAD_ACTIVATION, config.filters, 3)
        return self._blocks.slim.conv(x, f"{HEAD}/_classifier", classes, config.kernel, style=PLAIN)

    def _pooled(self, x: Tensor, config: AsppConfig, scope: str) -> Tensor:
        if config.pool is None:
            means = self._net.ranged(self._net.channel_means(x, scope), f"{scope}/{POOLED}")
            return self._net.ranged(means, f"{scope}/{RESHAPED}")
        rows, columns = (side // 2**config.level for side in config.pool)
        cells = self._net.size(x)
        if not (1 <= rows <= cells[0] and 1 <= columns <= cells[1]):
            raise InputError(
                f"pool_kernel_size {config.pool} is {rows} x {columns} cells of a map of {cells[0]} x {cells[1]}; "
                "want at least one, and no more than the map has: change it, or --input"
            )
        means = self._net.average_pool(x, (rows, columns), (rows, columns), scope, padding="VALID")
        return self._net.ranged(means, f"{scope}/{POOLED}")

    def _branch(self, x: Tensor, scope: str, filters: int, kernel: int, dilation: int = 1) -> Tensor:
        return self._conv(x, _pair(scope), ASPP_ACTIVATION, filters, kernel, dilation)

    def _conv(
        self, x: Tensor, scopes: tuple[str, str], activation: str, filters: int, kernel: int, dilation: int = 1
    ) -> Tensor:
        """Return a convolution of *x* with its batch norm, at *scopes*, and the layer *activation* after it."""
        style, (conv, norm) = replace(self._blocks.norm.style, ranged=False), scopes
        x = self._blocks.slim.conv(x, conv, filters, kernel, style=style, dilation=dilation, norm_scope=norm)
        return self._net.ranged(x, activation)


def _pair(scope: str) -> tuple[str, str]:
    """Return the scopes of the convolution and the batch norm of the sequential model at *scope*."""
    return f"{scope}/layer_with_weights-0", f"{scope}/layer_with_weights-1"
