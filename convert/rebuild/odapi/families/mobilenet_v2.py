"""SSD with MobileNet V2: six maps, SSDLite, FPNLite or MnasFPN; TF1 and TF2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor, Fpn
from detlite.convert.rebuild.network.depths import make_divisible
from detlite.convert.rebuild.network.extractor import Extractor, said
from detlite.convert.rebuild.network.feature_maps import ExtraMaps
from detlite.convert.rebuild.network.graph import Network, Tensor
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
class Backbone:
    """MobileNet V2 up to `Conv_1`, at one width."""

    slim: Slim
    style: Style
    multiplier: float
    min_depth: int

    def endpoints(self, image: Tensor, last: int | None = LAST) -> dict[str, Tensor]:
        """Return the outputs by the names of the OD API: `layer_4`, `layer_15/expansion_output`, `layer_19`, ...

        Args:
            image: what the network reads.
            last: channels of `Conv_1`, before the width multiplier; None where it ends before.
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
        """Return *channels* at this width."""
        return make_divisible(channels * self.multiplier, 8, self.min_depth)

    def joins(self, before: int, channels: int) -> bool:
        """Return whether a block of stride 1 adds its input, of *before* channels, to its *channels* of table 2."""
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


def backbone_of(net: Network, extractor: FeatureExtractor) -> Backbone:
    """Return the backbone that *extractor* asks for: its epsilon may be overridden; ReLU6, gamma and beta may not."""
    given = extractor.conv.batch_norm if extractor.override_hyperparams else None
    norm = BatchNorm(scale=True) if given is None else BatchNorm(given.epsilon, scale=True)
    style = Style("RELU_6", norm, extractor.use_explicit_padding)
    return Backbone(Slim(net), style, extractor.depth_multiplier, extractor.min_depth)


def six_maps(net: Network, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of SSD and SSDLite, from strides 16 and 32 on."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image)
    taps = [points["layer_15/expansion_output"], points["layer_19"]]
    return ExtraMaps(SCOPE, "layer_19").add_to(backbone.slim, taps, extractor)


def fpn_maps(net: Network, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet, or FPNLite with `use_depthwise`, whose last layer is of 256 channels."""
    backbone = backbone_of(net, extractor)
    points = backbone.endpoints(image, LAST_OF_FPNLITE if extractor.use_depthwise else LAST)
    taps = {level: points[name] for level, name in FPN_TAPS.items()}
    return Pyramid(f"{SCOPE}/fpn", coarse="bottom_up_Conv2d_", first=20).add_to(backbone.slim, taps, extractor)


@dataclass(frozen=True)
class KerasBackbone(Backbone):
    """The same as TF2 has it: Keras rounds the channels, and the OD API lifts those of the layers that shrink.

    Source: OD API `keras_models/mobilenet_v2.py` over `keras.applications`.
    """

    def depth(self, channels: int) -> int:
        """Return *channels* at this width; those of `Conv_1` grow with no width."""
        if channels == LAST:
            return LAST if self.multiplier >= 1 else make_divisible(channels * self.multiplier)
        return max(make_divisible(int(channels * self.multiplier)), self.min_depth)

    def joins(self, before: int, channels: int) -> bool:
        """Return whether a block adds its input: Keras compares before the OD API lifts the channels."""
        return before == make_divisible(int(channels * self.multiplier))


def keras_backbone_of(net: Network, extractor: FeatureExtractor, model: str = KERAS_BACKBONE) -> KerasBackbone:
    """Return the backbone that *extractor* asks for: overridden, its norm and its activation are the config's."""
    style = replace(backbone_style(extractor, Style()), explicit_padding=extractor.use_explicit_padding)
    return KerasBackbone(Slim(net, CountedNames(model)), style, extractor.depth_multiplier, extractor.min_depth)


def keras_six_maps(net: Network, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of SSD in TF2, from strides 16 and 32 on."""
    points = keras_backbone_of(net, extractor).endpoints(image)
    return extra_maps(net, [points["layer_15/expansion_output"], points["layer_19"]], extractor)


def keras_fpn_maps(net: Network, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of RetinaNet or FPNLite in TF2, whose backbone keeps its 1280 channels."""
    points = keras_backbone_of(net, extractor).endpoints(image)
    return pyramid_maps(net, {level: points[name] for level, name in FPN_TAPS.items()}, extractor)


def mnasfpn_maps(net: Network, image: Tensor, extractor: FeatureExtractor) -> list[Tensor]:
    """Return the maps of MnasFPN; its batch norms are its own, whatever `conv_hyperparams` say.

    Raises:
        InputError: the config asks for other levels than it has, or its maps do not halve.
    """
    fpn = extractor.fpn or Fpn(LEVELS[0], LEVELS[-1], DEPTH)
    if (fpn.min_level, fpn.max_level) != (LEVELS[0], LEVELS[-1]):
        raise InputError(
            f"{said(extractor)}: want an fpn of min_level 3 and max_level 6, got {fpn.min_level} and {fpn.max_level}"
        )
    style = Style("RELU_6", LINEAR.norm, extractor.use_explicit_padding)
    backbone = Backbone(Slim(net), style, extractor.depth_multiplier, extractor.min_depth)
    points = backbone.endpoints(image, last=None)
    taps = [points["layer_7"], points["layer_14"], points["layer_18"]]
    _check_halving(net, taps, extractor)
    pyramid = MnasFpn(backbone.slim, backbone.depth, fpn.additional_layer_depth, extractor.use_explicit_padding)
    return pyramid.maps(taps)


def _check_halving(net: Network, taps: list[Tensor], extractor: FeatureExtractor) -> None:
    side, steps = net.size(taps[0]), len(LEVELS) - 1
    if any(count % 2**steps for count in side):
        raise InputError(
            f"{said(extractor)}: its finest map of {side[0]} x {side[1]} does not halve {steps} times: "
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
