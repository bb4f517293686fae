"""The blocks of MobileNet V3 and MobileNet-EdgeTPU, under TF-Slim's names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detlite.convert.graph.trained_ranges import NO_RANGE
from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.runtime.errors import InputError

MAPS = 6
SQUEEZE = 4
GATE = np.float32(0.16667)  # a literal in the original, not 1/6
GATE_SHIFT = np.float32(3)


@dataclass(frozen=True)
class InvertedResidual:
    """One inverted residual block (Howard et al., Searching for MobileNetV3, tables 1 and 2).

    Attributes:
        expansion: inner channels divided by input channels.
        channels: output channels, before the depth multiplier.
        squeeze: whether it has a squeeze-and-excite.
        fused: whether one convolution replaces the expansion and the depthwise convolution.
        residual: whether its input is added if stride and channels allow it.
    """

    expansion: float
    channels: int
    kernel: int = 3
    stride: int = 1
    activation: str = "RELU"
    squeeze: bool = False
    fused: bool = False
    residual: bool = True


@dataclass(frozen=True)
class MobileNetV3:
    """One network, as far as detection needs it.

    Attributes:
        scope: `FeatureExtractor/MobilenetV3`.
        stem: channels of the first convolution, before the depth multiplier.
        activation: the activation of the first and the last convolution.
        blocks: `expanded_conv`, `expanded_conv_1`, ..., with the outputs `layer_2`, `layer_3`, ...
        last: channels of `Conv_1` after the blocks, or None if there is no such layer.
        taps: the names of the outputs that boxes are predicted on.
    """

    scope: str
    stem: int
    activation: str
    blocks: tuple[InvertedResidual, ...]
    last: int | None
    taps: tuple[str, str]

    def six_maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the six maps of SSD and SSDLite, starting at strides 16 and 32.

        Raises:
            InputError: the config has a setting that the original does not support either.
        """
        if extractor.num_layers != MAPS:
            raise InputError(f"{where(extractor)}: want num_layers: {MAPS}, got {extractor.num_layers}")
        if extractor.use_explicit_padding and any(block.fused for block in self.blocks):
            raise InputError(f"{where(extractor)}: want use_explicit_padding: false; its residuals would not fit")
        builder = _MobileNetV3Builder(self, Slim(net), _norm(extractor), extractor)
        points = builder.endpoints(image)
        return ExtraMaps(self.scope, self.taps[-1]).add_to(builder.slim, [points[tap] for tap in self.taps], extractor)


def _norm(extractor: FeatureExtractor) -> BatchNorm:
    """Return the batch norm of the backbone; the config can override only its epsilon."""
    given = extractor.conv.batch_norm if extractor.override_hyperparams else None
    return BatchNorm(scale=True) if given is None else BatchNorm(given.epsilon, scale=True)


@dataclass(frozen=True)
class _MobileNetV3Builder:
    design: MobileNetV3
    slim: Slim
    norm: BatchNorm
    extractor: FeatureExtractor

    def endpoints(self, image: Tensor) -> dict[str, Tensor]:
        """Return the outputs by the OD API's names: `layer_14/expansion_output`, `layer_17`, ..."""
        design = self.design
        style = Style(design.activation, self.norm, self.extractor.use_explicit_padding)
        x = self.slim.conv(image, f"{design.scope}/Conv", self._depth(design.stem), 3, style=style, stride=2)
        points = {"layer_1": x}
        for number, block in enumerate(design.blocks):
            x, expanded = self._block(x, block, f"{design.scope}/expanded_conv" + (f"_{number}" if number else ""))
            points |= {f"layer_{number + 2}": x, f"layer_{number + 2}/expansion_output": expanded}
        if design.last is not None:
            name = f"layer_{len(design.blocks) + 2}"
            points[name] = self.slim.conv(x, f"{design.scope}/Conv_1", self._depth(design.last), 1, style=style)
        return points

    def _depth(self, channels: int) -> int:
        return make_divisible(channels * self.extractor.depth_multiplier, 8, self.extractor.min_depth)

    def _block(self, x: Tensor, block: InvertedResidual, scope: str) -> tuple[Tensor, Tensor]:
        """Return the output of *block* on *x*, and its expansion output."""
        net, channels = self.slim.net, self._depth(block.channels)
        if self.extractor.use_explicit_padding:  # around the whole block, as in the original, so its maps grow
            x = self.slim.padded(x, (block.kernel, block.kernel), scope)
        expanded = self._expanded(x, block, scope)
        y = expanded if block.fused else self._spatial(expanded, block, scope)
        y = self.slim.conv(y, f"{scope}/project", channels, 1, style=Style("NONE", self.norm))
        if block.residual and block.stride == 1 and net.channels(x) == channels:
            y = net.add(y, x, scope)
        return y, expanded

    def _expanded(self, x: Tensor, block: InvertedResidual, scope: str) -> Tensor:
        """Return *x* expanded to more channels, or *x* itself if the expansion adds none."""
        inner = make_divisible(self.slim.net.channels(x) * block.expansion)
        if inner <= self.slim.net.channels(x):
            return x
        kernel, stride = (block.kernel, block.stride) if block.fused else (1, 1)
        style = Style(block.activation, self.norm)
        return self.slim.conv(x, f"{scope}/expand", inner, kernel, style=style, stride=stride)

    def _spatial(self, x: Tensor, block: InvertedResidual, scope: str) -> Tensor:
        style = Style(block.activation, self.norm)
        x = self.slim.depthwise(x, f"{scope}/depthwise", block.kernel, style=style, stride=block.stride)
        return self._excited(x, f"{scope}/squeeze_excite") if block.squeeze else x

    def _excited(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* with each channel times its gate, relu6(z + 3) / 6 (section 5.3)."""
        net, channels = self.slim.net, self.slim.net.channels(x)
        squeezed = make_divisible(channels / SQUEEZE)
        means = net.channel_means(x, scope)
        inner = self.slim.conv(means, f"{scope}/Conv", squeezed, 1, style=Style("RELU", norm=None))
        outer = self.slim.conv(inner, f"{scope}/Conv_1", channels, 1, style=Style("NONE", norm=None))
        shifted = net.add(outer, GATE_SHIFT, f"{scope}/Conv_1", kind=NO_RANGE)
        gate = net.multiply(net.activate(shifted, "RELU_6", f"{scope}/Conv_1"), GATE, f"{scope}/Conv_1")
        return net.multiply(x, gate, scope)
