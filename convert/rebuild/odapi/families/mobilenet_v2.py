"""SSD with MobileNet V2 and six maps (also SSDLite), FPN, FPNLite or MnasFPN; TF1 and TF2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor, Fpn
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.extractor import Extractor, where
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import BACKBONE as KERAS_BACKBONE
from detlite.convert.rebuild.network.keras import CountedNames, backbone_style
from detlite.convert.rebuild.network.keras_feature_maps import extra_maps, pyramid_maps
from detlite.convert.rebuild.network.mnasfpn import DEPTH, LEVELS, LINEAR, MnasFpn
from detlite.convert.rebuild.network.pyramid import Pyramid
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.convert.rebuild.odapi.config.presets import fpnlite, mnasfpn, ssd, ssdlite
from detlite.convert.rebuild.odapi.family import Family
from detlite.runtime.errors import InputError

SCOPE = "FeatureExtractor/MobilenetV2"
STEM = 32
BLOCKS = (
    (1, 16, 1),
    (6, 24, 2),
    (6, 24, 1),
    (6, 32, 2),
    (6, 32, 1),
    (6, 32, 1),
    (6, 64, 2),
    (6, 64, 1),
    (6, 64, 1),
    (6, 64, 1),
    (6, 96, 1),
    (6, 96, 1),
    (6, 96, 1),
    (6, 160, 2),
    (6, 160, 1),
    (6, 160, 1),
    (6, 320, 1),
)
"""(expansion, channels, stride) of each inverted residual (Sandler et al., table 2)."""

LAST = 1280
LAST_OF_FPNLITE = 256
FPN_TAPS = {2: "layer_4", 3: "layer_7", 4: "layer_14", 5: "layer_19"}


@dataclass(frozen=True)
class MobileNetV2:
    """MobileNet V2 up to `Conv_1`, at one width."""

    slim: Slim
    style: Style
    multiplier: float
    min_depth: int

    def endpoints(self, image: Tensor, last: int | None = LAST) -> dict[str, Tensor]:
        """Return the outputs by the OD API's names: `layer_4`, `layer_15/expansion_output`, `layer_19`, ...

        Args:
            image: the network's input.
            last: channels of `Conv_1`, before the width multiplier; None to end before it.
        """
        x = self.slim.conv(image, f"{SCOPE}/Conv", self.depth(STEM), 3, style=self.style, stride=2)
        points = {"layer_1": x}
        for number, (expansion, channels, stride) in enumerate(BLOCKS):
            scope = f"{SCOPE}/expanded_conv" + (f"_{number}" if number else "")
            x, expanded = self._block(x, scope, (expansion, channels, stride))
            points[f"layer_{number + 2}"] = x
            points[f"layer_{number + 2}/expansion_output"] = expanded
        if last is not None:
            points["layer_19"] = self.slim.conv(x, f"{SCOPE}/Conv_1", self.depth(last), 1, style=self.style)
        return points

    def depth(self, channels: int) -> int:
        """Return the number of channels at this width."""
        return make_divisible(channels * self.multiplier, 8, self.min_depth)

    def joins(self, before: int, channels: int) -> bool:
        """Return whether a block of stride 1 with *before* input channels and *channels* in table 2 has a residual."""
        return before == self.depth(channels)

    def _block(self, x: Tensor, scope: str, row: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
        net, linear = self.slim.net, replace(self.style, activation="NONE")
        expansion, channels, stride = row
        expanded = x
        if expansion > 1:
            inner = make_divisible(net.channels(x) * expansion)
            expanded = self.slim.conv(x, f"{scope}/expand", inner, 1, style=self.style)
        y = self.slim.depthwise(expanded, f"{scope}/depthwise", 3, style=self.style, stride=stride)
        y = self.slim.conv(y, f"{scope}/project", self.depth(channels), 1, style=linear)
        if stride == 1 and self.joins(net.channels(x), channels):
            y = net.add(y, x, scope)
        return y, expanded


def backbone_of(net: GraphBuilder, extractor: FeatureExtractor) -> MobileNetV2:
    """Return the backbone of the config *extractor*, which can override only the epsilon of the batch norm."""
    given = extractor.conv.batch_norm if extractor.override_hyperparams else None
    norm = BatchNorm(scale=True) if given is None else BatchNorm(given.epsilon, scale=True)
    style = Style("RELU_6", norm, extractor.use_explicit_padding)
    return MobileNetV2(Slim(net), style, extractor.depth_multiplier, extractor.min_depth)


def six_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the six maps of SSD and SSDLite, starting at strides 16 and 32."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image)
    taps = [points["layer_15/expansion_output"], points["layer_19"]]
    return ExtraMaps(SCOPE, "layer_19").add_to(backbone.slim, taps, extractor)


def fpn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet or, with `use_depthwise`, of FPNLite, whose last layer has 256 channels."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image, LAST_OF_FPNLITE if extractor.use_depthwise else LAST)
    taps = {level: points[name] for level, name in FPN_TAPS.items()}
    return Pyramid(f"{SCOPE}/fpn", coarse="bottom_up_Conv2d_", first=20).add_to(backbone.slim, taps, extractor)


@dataclass(frozen=True)
class KerasMobileNetV2(MobileNetV2):
    """MobileNet V2 of TF2: Keras rounds the channels, and the OD API then raises them to the minimum depth.

    Source: OD API `keras_models/mobilenet_v2.py` over `keras.applications`.
    """

    def depth(self, channels: int) -> int:
        """Return the number of channels at this width; a multiplier above 1 does not widen `Conv_1`."""
        if channels == LAST:
            return LAST if self.multiplier >= 1 else make_divisible(channels * self.multiplier)
        return max(make_divisible(int(channels * self.multiplier)), self.min_depth)

    def joins(self, before: int, channels: int) -> bool:
        """Return whether a block has a residual: Keras decides before the OD API raises the channels."""
        return before == make_divisible(int(channels * self.multiplier))


def keras_backbone_of(net: GraphBuilder, extractor: FeatureExtractor, model: str = KERAS_BACKBONE) -> KerasMobileNetV2:
    """Return the TF2 backbone of the config *extractor*, which may override norm and activation."""
    style = replace(backbone_style(extractor, Style()), explicit_padding=extractor.use_explicit_padding)
    return KerasMobileNetV2(Slim(net, CountedNames(model)), style, extractor.depth_multiplier, extractor.min_depth)


def keras_six_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the six maps of SSD in TF2, starting at strides 16 and 32."""
    points = keras_backbone_of(net, extractor).endpoints(image)
    return extra_maps(net, [points["layer_15/expansion_output"], points["layer_19"]], extractor)


def keras_fpn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet or FPNLite in TF2, whose backbone keeps its 1280 channels."""
    points = keras_backbone_of(net, extractor).endpoints(image)
    return pyramid_maps(net, {level: points[name] for level, name in FPN_TAPS.items()}, extractor)


def mnasfpn_maps(net: GraphBuilder, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of MnasFPN; the batch norm in `conv_hyperparams` is ignored.

    Raises:
        InputError: the config has other levels than MnasFPN, or its finest map cannot be halved three times.
    """
    fpn = extractor.fpn or Fpn(LEVELS[0], LEVELS[-1], DEPTH)
    if (fpn.min_level, fpn.max_level) != (LEVELS[0], LEVELS[-1]):
        raise InputError(
            f"{where(extractor)}: want an fpn of min_level 3 and max_level 6, got {fpn.min_level} and {fpn.max_level}"
        )
    style = Style("RELU_6", LINEAR.norm, extractor.use_explicit_padding)
    backbone = MobileNetV2(Slim(net), style, extractor.depth_multiplier, extractor.min_depth)
    points = backbone.endpoints(image, last=None)
    taps = [points["layer_7"], points["layer_14"], points["layer_18"]]
    _check_halving(net, taps, extractor)
    pyramid = MnasFpn(backbone.slim, backbone.depth, fpn.additional_layer_depth, extractor.use_explicit_padding)
    return pyramid.maps(taps)


def _check_halving(net: GraphBuilder, taps: list[Tensor], extractor: FeatureExtractor) -> None:
    side, steps = net.size(taps[0]), len(LEVELS) - 1
    if any(count % 2**steps for count in side):
        raise InputError(
            f"{where(extractor)}: its finest map of {side[0]} x {side[1]} cannot be halved {steps} times; "
            "want an image whose sides are multiples of 64, or pad_to_multiple: 64"
        )


PLUGIN = Family(
    title="SSD MobileNet V2",
    paper="Sandler et al., MobileNetV2, CVPR 2018; Chen et al., MnasFPN, CVPR 2020",
    scopes=(
        "FeatureExtractor/MobilenetV2",
        "ssd_mobile_net_v2keras_feature_extractor",
        "ssd_mobile_net_v2_keras_feature_extractor",
        "ssd_mobile_net_v2fpn_keras_feature_extractor",
        "ssd_mobile_net_v2_fpn_keras_feature_extractor",
    ),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=(
        "ssd_mobilenet_v2",
        "ssdlite_mobilenet_v2",
        "ssd_mobilenet_v2_fpnlite",
        "ssd_mobilenet_v2_mnasfpn",
    ),
    extractors={
        "ssd_mobilenet_v2": Extractor(six_maps),
        "ssd_mobilenet_v2_fpn": Extractor(fpn_maps, reads=("fpn",)),
        "ssd_mobilenet_v2_mnasfpn": Extractor(mnasfpn_maps, reads=("fpn",)),
        "ssd_mobilenet_v2_keras": Extractor(keras_six_maps, keras=True),
        "ssd_mobilenet_v2_fpn_keras": Extractor(keras_fpn_maps, keras=True, reads=("fpn",)),
    },
    presets={
        "ssd_mobilenet_v2": ssd("ssd_mobilenet_v2"),
        "ssdlite_mobilenet_v2": ssdlite("ssd_mobilenet_v2", 300),
        "ssd_mobilenet_v2_fpnlite": fpnlite("ssd_mobilenet_v2_fpn"),
        "ssd_mobilenet_v2_mnasfpn": mnasfpn("ssd_mobilenet_v2_mnasfpn"),
        "tf2_ssd_mobilenet_v2": ssd("ssd_mobilenet_v2_keras", kernel_size=1, override_hyperparams=True),
        "tf2_ssd_mobilenet_v2_fpnlite": fpnlite("ssd_mobilenet_v2_fpn_keras"),
    },
)
