"""SSD with MobileNet V1 and six maps, five maps (embedded), FPN or a pooling pyramid; TF1 and TF2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import FeatureExtractor
from detlite.convert.rebuild.network.channel_counts import depth_of
from detlite.convert.rebuild.network.extractor import Extractor, where
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import BACKBONE as KERAS_BACKBONE
from detlite.convert.rebuild.network.keras import CountedNames, backbone_style
from detlite.convert.rebuild.network.keras_feature_maps import extra_maps, pyramid_maps
from detlite.convert.rebuild.network.pyramid import Pyramid, pooled
from detlite.convert.rebuild.network.slim import Slim, Style, style_of
from detlite.convert.rebuild.odapi.config.presets import pooling_pyramid, retinanet, ssd
from detlite.convert.rebuild.odapi.family import Family
from detlite.runtime.errors import InputError

SCOPE = "FeatureExtractor/MobilenetV1"
STEM = 32
LAYERS = (
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
)
"""(stride, channels) of each depthwise separable convolution, `Conv2d_1` to `Conv2d_13` (Howard et al., table 1)."""

TAPS = ("Conv2d_11_pointwise", "Conv2d_13_pointwise")
EMBEDDED_SIDE = 256
EMBEDDED_MAPS = ExtraMaps(SCOPE, TAPS[-1], layers=((512, 3), (256, 3), (256, 2)))
"""The extra maps of the embedded SSD for 256 x 256 images; the last kernel covers all 2x2 cells of the previous map."""
FPN_TAPS = {2: "Conv2d_3_pointwise", 3: "Conv2d_5_pointwise", 4: TAPS[0], 5: TAPS[1]}
LAYERS_OF_FPNLITE = (*LAYERS[:-2], (2, 512), (1, 256))
LAYERS_OF_PPN = 11
MAPS_OF_PPN = 6


@dataclass(frozen=True)
class MobileNetV1:
    """MobileNet V1 up to `Conv2d_13_pointwise`, at the width in the config *extractor*."""

    slim: Slim
    style: Style
    extractor: FeatureExtractor
    stem: int = STEM

    def endpoints(self, image: Tensor, layers: tuple[tuple[int, int], ...] = LAYERS) -> dict[str, Tensor]:
        """Return the outputs by the OD API's names: `Conv2d_3_pointwise`, `Conv2d_5_pointwise`, ...

        Args:
            image: the network's input.
            layers: (stride, channels) of each layer, before the width multiplier.
        """
        x = self.slim.conv(image, f"{SCOPE}/Conv2d_0", self._depth(self.stem), 3, style=self.style, stride=2)
        points = {"Conv2d_0": x}
        for number, (stride, channels) in enumerate(layers, start=1):
            name = f"Conv2d_{number}"
            x = self.slim.depthwise(x, f"{SCOPE}/{name}_depthwise", 3, style=self.style, stride=stride)
            x = self.slim.conv(x, f"{SCOPE}/{name}_pointwise", self._depth(channels), 1, style=self.style)
            points[f"{name}_pointwise"] = x
        return points

    def _depth(self, channels: int) -> int:
        return depth_of(channels, self.extractor)


def backbone_of(net: GraphBuilder, extractor: FeatureExtractor) -> MobileNetV1:
    """Return the backbone of the config *extractor*, which may override norm and activation."""
    style = style_of(extractor.conv) if extractor.override_hyperparams else Style()
    style = replace(style, explicit_padding=extractor.use_explicit_padding)
    return MobileNetV1(Slim(net), style, extractor)


def six_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the six maps of SSD and SSDLite, starting at strides 16 and 32."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image)
    return ExtraMaps(SCOPE, TAPS[-1]).add_to(backbone.slim, [points[tap] for tap in TAPS], extractor)


def embedded_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the five maps of the embedded SSD.

    Raises:
        InputError: the image has another size or is padded.
    """
    if net.size(image) != (EMBEDDED_SIDE, EMBEDDED_SIDE) or extractor.pad_to_multiple != 1:
        height, width = net.size(image)
        raise InputError(
            f"{where(extractor)}: want images of {EMBEDDED_SIDE} x {EMBEDDED_SIDE} pixels and pad_to_multiple: 1, "
            f"got {height} x {width} and {extractor.pad_to_multiple}"
        )
    extractor = replace(extractor, override_hyperparams=False)  # which the original ignores
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image)
    return EMBEDDED_MAPS.add_to(backbone.slim, [points[tap] for tap in TAPS], extractor)


def fpn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet; with `use_depthwise` the backbone's last two layers are thinner."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image, LAYERS_OF_FPNLITE if extractor.use_depthwise else LAYERS)
    taps = {level: points[name] for level, name in FPN_TAPS.items()}
    return Pyramid(f"{SCOPE}/fpn", coarse="bottom_up_Conv2d_", first=14).add_to(backbone.slim, taps, extractor)


def keras_backbone_of(net: GraphBuilder, extractor: FeatureExtractor) -> MobileNetV1:
    """Return the TF2 backbone of the config *extractor*, whose layers are `keras_layers`."""
    style = replace(backbone_style(extractor, Style()), explicit_padding=extractor.use_explicit_padding)
    stem = int(STEM * extractor.depth_multiplier)
    return MobileNetV1(Slim(net, CountedNames(KERAS_BACKBONE)), style, extractor, stem)


def keras_layers(extractor: FeatureExtractor) -> tuple[tuple[int, int], ...]:
    """Return (stride, channels) of each layer after Keras's width multiplier; the OD API applies it a second time.

    Source: `keras.applications.MobileNet` under OD API `keras_models/mobilenet_v1.py`.
    """
    return tuple((stride, int(channels * extractor.depth_multiplier)) for stride, channels in LAYERS)


def keras_six_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the six maps of SSD in TF2, starting at strides 16 and 32."""
    points = keras_backbone_of(net, extractor).endpoints(image, keras_layers(extractor))
    return extra_maps(net, [points[tap] for tap in TAPS], extractor, generator="_feature_map_generator")


def keras_fpn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet in TF2; with `use_depthwise` the OD API's own last two layers replace Keras's."""
    layers = keras_layers(extractor)
    if extractor.use_depthwise:
        layers = (*layers[:-2], *LAYERS_OF_FPNLITE[-2:])
    points = keras_backbone_of(net, extractor).endpoints(image, layers)
    return pyramid_maps(net, {level: points[name] for level, name in FPN_TAPS.items()}, extractor)


def ppn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the six maps of the pooling pyramid; the layers after its tap are in the checkpoint, but are not built."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image, LAYERS[:LAYERS_OF_PPN])
    return pooled(backbone.slim, points[TAPS[0]], MAPS_OF_PPN, SCOPE)


PLUGIN = Family(
    title="SSD MobileNet V1",
    paper="Howard et al., MobileNets, arXiv:1704.04861; Liu et al., SSD, ECCV 2016",
    scopes=(
        "FeatureExtractor/MobilenetV1",
        "ssd_mobile_net_v1keras_feature_extractor",
        "ssd_mobile_net_v1_keras_feature_extractor",
        "ssd_mobile_net_v1fpn_keras_feature_extractor",
        "ssd_mobile_net_v1_fpn_keras_feature_extractor",
    ),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssd_mobilenet_v1", "ssd_mobilenet_v1_fpn", "ssd_mobilenet_v1_ppn"),
    extractors={
        "ssd_mobilenet_v1": Extractor(six_maps),
        "ssd_mobilenet_v1_fpn": Extractor(fpn_maps, reads=("fpn",)),
        "ssd_mobilenet_v1_ppn": Extractor(ppn_maps),
        "embedded_ssd_mobilenet_v1": Extractor(embedded_maps),
        "ssd_mobilenet_v1_keras": Extractor(keras_six_maps, keras=True),
        "ssd_mobilenet_v1_fpn_keras": Extractor(keras_fpn_maps, keras=True, reads=("fpn",)),
    },
    presets={
        "ssd_mobilenet_v1": ssd("ssd_mobilenet_v1", kernel_size=1),
        "ssd_mobilenet_v1_fpn": retinanet("ssd_mobilenet_v1_fpn"),
        "ssd_mobilenet_v1_ppn": pooling_pyramid("ssd_mobilenet_v1_ppn"),
        "tf2_ssd_mobilenet_v1_fpn": retinanet("ssd_mobilenet_v1_fpn_keras"),
    },
)
