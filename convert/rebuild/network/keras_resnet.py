"""ResNet V1 of Keras, whose blocks begin with their stride; TF-Slim's end with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor, Fpn
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import BACKBONE, KERAS_NAMES, backbone_style
from detlite.convert.rebuild.network.keras_feature_maps import pyramid_maps
from detlite.convert.rebuild.network.resnet_v1 import BASE_DEPTHS, EPSILON, STEM, UNITS, WIDENING
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.runtime.errors import InputError

POOL = 3


@dataclass(frozen=True)
class KerasResNet:
    """A backbone whose layers are numbered in the checkpoint.

    Attributes:
        slim: builds its layers.
        model: the path of the Keras model: `_feature_extractor/classification_backbone`.
        style: the style of its convolutions; some are linear.
        width: (depth multiplier, minimum number of channels).
        padded_pool: whether the first pooling is padded with zeros on all sides (Keras) or SAME (OD API).
    """

    slim: Slim
    model: str
    style: Style
    width: tuple[float, int] = (1.0, 0)
    padded_pool: bool = False

    def blocks(self, image: Tensor, layers: int) -> list[Tensor]:
        """Return the outputs of the four blocks at strides 4, 8, 16 and 32; *layers* is 50, 101 or 152."""
        return list(self._blocks(image, layers, len(BASE_DEPTHS)))

    def third_block(self, image: Tensor, layers: int) -> Tensor:
        """Return the output of the third block, at stride 16; the fourth is not built."""
        *_earlier, last = self._blocks(image, layers, len(BASE_DEPTHS) - 1)
        return last

    def fourth_block(self, x: Tensor, layers: int) -> Tensor:
        """Return the output of a fourth block by itself, whose layers are numbered from 0 on, at half the size."""
        return self._block(x, len(BASE_DEPTHS) - 1, layers, 0)

    def _blocks(self, image: Tensor, layers: int, blocks: int) -> Iterator[Tensor]:
        stem = replace(self.style, explicit_padding=True)
        x = self.slim.conv(image, self._layer(0), self._depth(STEM), 7, style=stem, stride=2)
        x = self._pooled(x)
        count = 2
        for number in range(blocks):
            x = self._block(x, number, layers, count)
            count += 8 + 6 * (UNITS[layers][number] - 1)
            yield x

    def _block(self, x: Tensor, number: int, layers: int, count: int) -> Tensor:
        """Return the block *number*, from 0 on; the number of its first layer is *count*."""
        for unit in range(UNITS[layers][number]):
            stride = 2 if unit == 0 and number > 0 else 1
            x = self._unit(x, count, BASE_DEPTHS[number], stride, projected=unit == 0)
            count += 8 if unit == 0 else 6
        return x

    def _pooled(self, x: Tensor) -> Tensor:
        scope = f"{self.model}/pool1"
        if not self.padded_pool:
            return self.slim.net.max_pool(x, POOL, 2, scope)
        padded = self.slim.net.pad(x, (1, 1), (1, 1), scope)
        return self.slim.net.max_pool(padded, POOL, 2, scope, padding="VALID")

    def _unit(self, x: Tensor, count: int, base: int, stride: int, *, projected: bool) -> Tensor:
        """Return a bottleneck; Keras numbers the projection of its input next to its last convolution."""
        linear = replace(self.style, activation="NONE")
        depth, wide = self._depth(base), self._depth(base * WIDENING)
        place = count + 4 + int(projected)
        y = self.slim.conv(x, self._layer(count), depth, 1, style=self.style, stride=stride)
        y = self.slim.conv(y, self._layer(count + 2), depth, 3, style=self.style)
        norm = self._layer(place + (2 if projected else 1))
        y = self.slim.conv(y, self._layer(place), wide, 1, style=linear, norm_scope=norm)
        if projected:
            x = self.slim.conv(
                x, self._layer(count + 4), wide, 1, style=linear, stride=stride, norm_scope=self._layer(count + 6)
            )
        scope = self._layer(place)
        return self.slim.net.activate(self.slim.net.add(x, y, scope), self.style.activation, scope)

    def _layer(self, number: int) -> str:
        return f"{self.model}/layer_with_weights-{number}"

    def _depth(self, channels: int) -> int:
        multiplier, fewest = self.width
        return max(int(channels * multiplier), fewest)


@dataclass(frozen=True)
class KerasResNetPyramid:
    """RetinaNet's backbone in TF2, with 50, 101 or 152 *layers*."""

    layers: int

    def maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the maps of levels 3 to 7.

        `fpn`, `use_depthwise` and `use_explicit_padding` are ignored, as in the OD API.

        Raises:
            InputError: the config removes the batch norm, or the maps of two levels do not double in size.
        """
        style = backbone_style(extractor, Style("RELU", BatchNorm(EPSILON, scale=True)))
        if style.bare:
            raise InputError(
                f"{where(extractor)}: override_base_feature_extractor_hyperparams without a batch_norm in its "
                "conv_hyperparams: add a batch_norm, or do not override"
            )
        width = (extractor.depth_multiplier, extractor.min_depth)
        resnet = KerasResNet(Slim(net, KERAS_NAMES), BACKBONE, style, width)
        taps = dict(_levels(resnet.blocks(image, self.layers)))
        plain = replace(extractor, fpn=Fpn(), use_depthwise=False, use_explicit_padding=False)
        return pyramid_maps(net, taps, plain)


def _levels(blocks: list[Tensor]) -> Iterator[tuple[int, Tensor]]:
    return enumerate(blocks, start=2)
