"""The blocks of MobileDet, under TF-Slim's names, which are numbered by kind of block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import scaled
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.runtime.errors import InputError

MAPS = 6
NORM = BatchNorm(epsilon=0.01, scale=True)  # hard-coded in the original, which ignores the config's batch_norm
SQUEEZE = 0.25


@dataclass(frozen=True)
class InvertedBlock:
    """`IBN`, an inverted bottleneck: expand *expansion* times, depthwise convolution, project.

    It has a squeeze-and-excite if its network has. *residual* is given by the network's table, not by the shapes.
    """

    expansion: int
    channels: int
    kernel: int = 3
    stride: int = 1
    residual: bool = True


@dataclass(frozen=True)
class FusedBlock:
    """`FusedConv`: one convolution with the kernel and the stride expands, then project."""

    expansion: int
    channels: int
    kernel: int = 3
    stride: int = 1
    residual: bool = True


@dataclass(frozen=True)
class TuckerBlock:
    """`TuckerConv`: 1x1, 3x3 and 1x1 convolutions; the ranks are fractions of the input and output channels."""

    input_rank: float
    output_rank: float
    channels: int
    residual: bool = True


@dataclass(frozen=True)
class SeparableBlock:
    """`IBNNoExpansion`: depthwise convolution, project."""

    channels: int
    residual: bool = False


Block = InvertedBlock | FusedBlock | TuckerBlock | SeparableBlock
NAMES: dict[type[Block], str] = {
    InvertedBlock: "IBN",
    FusedBlock: "FusedConv",
    TuckerBlock: "TuckerConv",
    SeparableBlock: "IBNNoExpansion",
}


@dataclass(frozen=True)
class MobileDet:
    """One MobileDet (Xiong et al., MobileDets, figures 7 to 10).

    Attributes:
        scope: `FeatureExtractor/MobileDetCPU`.
        stem: channels of the first convolution, before the depth multiplier.
        stages: the blocks at strides 2, 4, 8, 16 and 32: `C1` to `C5`.
        activation: the activation of every convolution that has one.
        squeeze: whether a squeeze-and-excite follows its depthwise convolutions.
    """

    scope: str
    stem: int
    stages: tuple[tuple[Block, ...], ...]
    activation: str = "RELU_6"
    squeeze: bool = False

    def six_maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the six maps of SSD and SSDLite, starting at strides 16 and 32.

        Raises:
            InputError: the config has a setting that the original does not support either.
        """
        if extractor.num_layers != MAPS:
            raise InputError(f"{where(extractor)}: want num_layers: {MAPS}, got {extractor.num_layers}")
        if extractor.use_explicit_padding:
            raise InputError(f"{where(extractor)}: want use_explicit_padding: false; MobileDet has no explicit padding")
        slim = Slim(net)
        taps = _MobileDetBuilder(self, slim, extractor.depth_multiplier).stages(image)[-2:]
        return ExtraMaps(self.scope, f"C{len(self.stages)}").add_to(slim, taps, extractor)


@dataclass(frozen=True)
class _MobileDetBuilder:
    design: MobileDet
    slim: Slim
    multiplier: float
    built: Counter[str] = field(default_factory=Counter)

    def stages(self, image: Tensor) -> list[Tensor]:
        """Return the outputs of all stages, finest first."""
        x = self._conv(image, f"{self.design.scope}/Conv", scaled(self.design.stem, self.multiplier), 3, 2)
        outputs = []
        for blocks in self.design.stages:
            x = self._stage(x, blocks)
            outputs.append(x)
        return outputs

    def _stage(self, x: Tensor, blocks: Sequence[Block]) -> Tensor:
        for block in blocks:
            y, scope = self._block(x, block)
            x = self.slim.net.add(y, x, scope) if block.residual else y
        return x

    def _block(self, x: Tensor, block: Block) -> tuple[Tensor, str]:
        """Return the output of *block* without its residual, and the scope of the block."""
        scope = self._scope(NAMES[type(block)])
        if isinstance(block, SeparableBlock):
            inner = self._spatial(x, scope, 3, 1)
        elif isinstance(block, InvertedBlock):
            wide = self._conv(x, f"{scope}/Conv", self._channels(x) * block.expansion)
            inner = self._spatial(wide, scope, block.kernel, block.stride)
        elif isinstance(block, FusedBlock):
            wide = self._channels(x) * block.expansion
            inner = self._conv(x, f"{scope}/Conv", wide, block.kernel, block.stride)
        else:
            inner = self._tucker(x, block, scope)
        return self._projected(inner, block, scope), scope

    def _scope(self, name: str) -> str:
        self.built[name] += 1
        return f"{self.design.scope}/{name}" + (f"_{self.built[name] - 1}" if self.built[name] > 1 else "")

    def _tucker(self, x: Tensor, block: TuckerBlock, scope: str) -> Tensor:
        narrow = self._conv(x, f"{scope}/Conv", scaled(self._channels(x), block.input_rank))
        outputs = scaled(block.channels, self.multiplier)
        return self._conv(narrow, f"{scope}/Conv_1", scaled(outputs, block.output_rank), 3)

    def _projected(self, x: Tensor, block: Block, scope: str) -> Tensor:
        before = {SeparableBlock: 0, TuckerBlock: 2}.get(type(block), 1)
        name = f"{scope}/Conv" + (f"_{before}" if before else "")
        channels = scaled(block.channels, self.multiplier)
        return self.slim.conv(x, name, channels, 1, style=Style("NONE", NORM))

    def _channels(self, x: Tensor) -> int:
        return self.slim.net.channels(x)

    def _conv(self, x: Tensor, scope: str, filters: int, kernel: int = 1, stride: int = 1) -> Tensor:
        style = Style(self.design.activation, NORM)
        return self.slim.conv(x, scope, filters, kernel, style=style, stride=stride)

    def _spatial(self, x: Tensor, scope: str, kernel: int, stride: int) -> Tensor:
        style = Style(self.design.activation, NORM)
        x = self.slim.depthwise(x, f"{scope}/SeparableConv2d", kernel, style=style, stride=stride)
        return self._excited(x, f"{scope}/SqueezeExcite") if self.design.squeeze else x

    def _excited(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* with each channel times its sigmoid gate (Hu et al., Squeeze-and-Excitation, CVPR 2018)."""
        net, channels = self.slim.net, self._channels(x)
        style = Style(self.design.activation, norm=None)
        # average pooling, not MEAN: the int8 network takes 36 ms with it on x86-64, and 67 ms with MEAN
        means = net.average_pool(x, net.size(x), 1, scope, padding="VALID")
        inner = self.slim.conv(means, f"{scope}/Conv", scaled(channels, SQUEEZE), 1, style=style)
        gate = self.slim.conv(inner, f"{scope}/Conv_1", channels, 1, style=Style("SIGMOID", norm=None))
        return net.multiply(x, gate, scope)
