"""The blocks of the Inception networks, under TF-Slim's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import depth_of
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import Slim, Style, style_of
from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class Conv:
    """A convolution under the scope *name*; channels are before the depth multiplier.

    Attributes:
        kernel: a square one, or (rows, columns).
        valid: whether it is computed without padding.
    """

    name: str
    channels: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    valid: bool = False


@dataclass(frozen=True)
class StemConv:
    """A depthwise and a pointwise convolution, then one batch norm.

    Attributes:
        multiplier: the most depthwise outputs per channel; a small depth multiplier reduces them.
    """

    name: str
    channels: int
    kernel: int
    stride: int
    multiplier: int


@dataclass(frozen=True)
class Pool:
    """A 3x3 pooling: of the maximum if *largest*, else of the mean without padding."""

    largest: bool
    stride: int = 1
    valid: bool = False


@dataclass(frozen=True)
class Split:
    """Convolutions of one tensor, whose outputs are concatenated."""

    parts: tuple[Conv, ...]


Layer = Conv | StemConv | Pool | Split
Branches = tuple[tuple[Layer, ...], ...]

AVERAGE = Pool(largest=False)
LARGEST = Pool(largest=True)
WINDOW = 3


@dataclass(frozen=True)
class Inception:
    """One Inception network, as far as detection needs it.

    Attributes:
        scope: `FeatureExtractor/InceptionV2`.
        stem: the first layers.
        mixed: the branches of each following block, by name, in order.
        taps: the names of the blocks that boxes are predicted on.
        extra: the maps after the taps.
    """

    scope: str
    stem: tuple[Layer, ...]
    mixed: Mapping[str, Branches]
    taps: tuple[str, ...]
    extra: ExtraMaps

    def six_maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the six maps of an SSD.

        Raises:
            InputError: the config does not override the hyperparameters of the backbone, which has no defaults.
        """
        if not extractor.override_hyperparams:
            raise InputError(
                f"{where(extractor)}: want override_base_feature_extractor_hyperparams: true, because the backbone has "
                "no default hyperparameters"
            )
        builder = InceptionBuilder(self.scope, Slim(net), style_of(extractor.conv), extractor)
        x, points = image, {}
        for layer in self.stem:
            x = builder.layer(x, layer, self.scope)
        for name, branches in self.mixed.items():
            x = points[name] = builder.mixed(x, branches, f"{self.scope}/{name}")
        return self.extra.add_to(builder.slim, [points[tap] for tap in self.taps], extractor)


@dataclass(frozen=True)
class InceptionBuilder:
    """The layers of a network under *scope*; *extractor* says how wide they are, *dilation* is of larger kernels."""

    scope: str
    slim: Slim
    style: Style
    extractor: FeatureExtractor
    dilation: int = 1

    def mixed(self, x: Tensor, branches: Branches, scope: str) -> Tensor:
        """Return the concatenated outputs of *branches* of *x*."""
        outputs = [self._branch(x, layers, f"{scope}/Branch_{number}") for number, layers in enumerate(branches)]
        return self.slim.net.concat(outputs, 3, f"{scope}/concat")

    def _branch(self, x: Tensor, layers: Sequence[Layer], scope: str) -> Tensor:
        for layer in layers:
            x = self.layer(x, layer, scope)
        return x

    def layer(self, x: Tensor, layer: Layer, scope: str) -> Tensor:
        """Return the output of one *layer* of *x*."""
        net = self.slim.net
        if isinstance(layer, Conv):
            style = replace(self.style, valid=layer.valid)
            depth = depth_of(layer.channels, self.extractor)
            return self.slim.conv(
                x,
                f"{scope}/{layer.name}",
                depth,
                layer.kernel,
                style=style,
                stride=layer.stride,
                dilation=1 if layer.kernel == 1 else self.dilation,
            )
        if isinstance(layer, StemConv):
            return self._stem(x, layer, scope)
        if isinstance(layer, Split):
            return net.concat([self.layer(x, part, scope) for part in layer.parts], 3, f"{scope}/concat")
        pool = net.max_pool if layer.largest else net.average_pool
        return pool(x, WINDOW, layer.stride, scope, padding="VALID" if layer.valid else "SAME")

    def _stem(self, x: Tensor, layer: StemConv, scope: str) -> Tensor:
        depth = depth_of(layer.channels, self.extractor)
        multiplier = min(depth // 3, layer.multiplier)  # 3 channels, even for gray images
        return self.slim.separable(
            x,
            f"{scope}/{layer.name}",
            depth,
            layer.kernel,
            style=self.style,
            stride=layer.stride,
            multiplier=multiplier,
        )
