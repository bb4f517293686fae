"""The extra feature maps that an SSD adds after its backbone (OD API `feature_map_generators`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import depth_of
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.slim import Slim, Style, style_of

EXTRA_LAYERS = ((512, 3), (256, 3), (256, 3), (128, 3))
"""(channels, kernel) of the maps after the two taps (Liu et al., SSD, 2016, figure 2)."""


@dataclass(frozen=True)
class ExtraMaps:
    """The maps after the backbone's taps, each half the size of the previous one.

    Attributes:
        scope: the scope of the backbone: `FeatureExtractor/MobilenetV2`.
        base: the name of its last tap, the prefix of the maps' names: `layer_19`.
        layers: (channels, kernel) of each map, before the depth multiplier.
    """

    scope: str
    base: str
    layers: tuple[tuple[int, int], ...] = EXTRA_LAYERS

    def add_to(self, slim: Slim, taps: Sequence[Tensor], extractor: FeatureExtractor) -> list[Tensor]:
        """Return *taps* and the extra maps, `num_layers` in total."""
        maps = list(taps)[: extractor.num_layers]
        for number, (channels, kernel) in enumerate(self.layers, start=len(taps)):
            if number < extractor.num_layers:
                squeezed = self._squeezed(slim, maps[-1], number, channels, extractor)
                maps.append(self._halved(slim, squeezed, (number, channels, kernel), extractor))
        return maps

    def _squeezed(self, slim: Slim, x: Tensor, number: int, channels: int, extractor: FeatureExtractor) -> Tensor:
        half = depth_of(channels // 2, extractor)
        scope = f"{self.scope}/{self.base}_1_Conv2d_{number}_1x1_{half}"
        return slim.conv(x, scope, half, 1, style=style_of(extractor.conv))

    def _halved(self, slim: Slim, x: Tensor, layer: tuple[int, int, int], extractor: FeatureExtractor) -> Tensor:
        number, channels, kernel = layer
        filters = depth_of(channels, extractor)
        scope = f"{self.scope}/{self.base}_2_Conv2d_{number}_{kernel}x{kernel}_s2_{filters}"
        style = style_of(extractor.conv)
        strided = Style(style.activation, style.norm, explicit_padding=extractor.use_explicit_padding)
        if not extractor.use_depthwise:
            return slim.conv(x, scope, filters, kernel, style=strided, stride=2)
        spatial = slim.depthwise(x, f"{scope}_depthwise", kernel, style=strided, stride=2)
        return slim.conv(spatial, scope, filters, 1, style=style)
