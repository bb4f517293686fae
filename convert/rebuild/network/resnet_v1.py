"""ResNet V1 of TF-Slim, with the feature pyramid and the pooling pyramid of the OD API in TF1."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.extractor import where
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.pyramid import Pyramid, pooled
from detlite.convert.rebuild.network.slim import Slim, Style, style_of
from detlite.runtime.errors import InputError

STEM = 64
BASE_DEPTHS = (64, 128, 256, 512)
WIDENING = 4
UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Units in each of the four blocks (He et al., Deep Residual Learning, 2016, table 1)."""

EPSILON = 1e-5  # set by TF-Slim's argument scope, which ignores the config's batch_norm
POOLED_DEPTH = 1024
POOLED_BLOCK = 3
SMALLEST_SIDE = 129  # pixels; the OD API rejects smaller images


@dataclass(frozen=True)
class ResNetV1:
    """The backbone of a detector, with 50, 101 or 152 *layers*."""

    layers: int

    @property
    def scope(self) -> str:
        """The scope of its variables."""
        return f"FeatureExtractor/resnet_v1_{self.layers}"

    def fpn_maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the maps of RetinaNet; `use_depthwise` is ignored, as in the original."""
        self._refuse_padding(extractor)
        slim = Slim(net)
        blocks = self._blocks(slim, image, extractor, len(BASE_DEPTHS))
        taps = dict(enumerate(blocks, start=2))
        pyramid = Pyramid(f"{self.scope}/fpn", coarse="bottom_up_block", first=5)
        return pyramid.add_to(slim, taps, replace(extractor, use_depthwise=False))

    def ppn_maps(self, net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
        """Return the maps of a pooling pyramid on the third block; the fourth is not built.

        `override_base_feature_extractor_hyperparams` is ignored, as in the original.
        """
        if extractor.depth_multiplier != 1:
            raise InputError(f"{where(extractor)}: want a depth_multiplier of 1, got {extractor.depth_multiplier:g}")
        slim = Slim(net)
        x = self._blocks(slim, image, replace(extractor, override_hyperparams=False), POOLED_BLOCK)[-1]
        name = f"{self.scope}/Base_Conv2d_1x1_{POOLED_DEPTH}"
        x = slim.conv(x, name, POOLED_DEPTH, 1, style=style_of(extractor.conv))
        return pooled(slim, x, extractor.num_layers, self.scope)

    @staticmethod
    def _refuse_padding(extractor: FeatureExtractor) -> None:
        if extractor.use_explicit_padding:
            raise InputError(f"{where(extractor)}: want use_explicit_padding: false; ResNet has no explicit padding")

    def _blocks(self, slim: Slim, image: Tensor, extractor: FeatureExtractor, count: int) -> list[Tensor]:
        """Return the outputs of the first *count* blocks, at strides 4, 8, 16 and 32."""
        style = backbone_style(extractor)
        stem = replace(style, explicit_padding=True)
        x = slim.conv(image, f"{self.scope}/conv1", STEM, 7, style=stem, stride=2)
        x = slim.net.max_pool(x, 3, 2, f"{self.scope}/pool1")
        outputs = []
        for number, (base, units) in enumerate(zip(BASE_DEPTHS[:count], UNITS[self.layers], strict=False), start=1):
            depth = max(int(base * extractor.depth_multiplier), extractor.min_depth)
            for unit in range(1, units + 1):
                # the first unit of a block takes over the sub-sampling that the original does between blocks
                stride = 2 if unit == 1 and number > 1 else 1
                x = _unit(slim, x, f"{self.scope}/block{number}/unit_{unit}/bottleneck_v1", depth, style, stride)
            outputs.append(x)
        return outputs


def backbone_style(extractor: FeatureExtractor) -> Style:
    """Return the style of the backbone's convolutions: ReLU, or the config's activation if it overrides it.

    The ReLU after the addition in each unit is not overridden.
    """
    if not extractor.override_hyperparams:
        return Style("RELU", BatchNorm(EPSILON, scale=True))
    given = extractor.conv.batch_norm
    norm = None if given is None else BatchNorm(EPSILON, given.center, scale=True)
    return Style(extractor.conv.activation, norm)


def _unit(slim: Slim, x: Tensor, scope: str, depth: int, style: Style, stride: int) -> Tensor:
    linear, outputs = replace(style, activation="NONE"), depth * WIDENING
    if slim.net.channels(x) != outputs:
        shortcut = slim.conv(x, f"{scope}/shortcut", outputs, 1, style=linear, stride=stride)
    else:
        shortcut = x if stride == 1 else slim.net.max_pool(x, 1, stride, f"{scope}/shortcut")
    y = slim.conv(x, f"{scope}/conv1", depth, 1, style=style, stride=stride)
    y = slim.conv(y, f"{scope}/conv2", depth, 3, style=style)
    y = slim.conv(y, f"{scope}/conv3", outputs, 1, style=linear)
    return slim.net.activate(slim.net.add(shortcut, y, scope), "RELU", scope)
