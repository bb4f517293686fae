"""SSDLite with MobileNet V3, large and small."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.mobilenet_v3 import InvertedResidual, MobileNetV3
from detlite.convert.rebuild.odapi.config.presets import ssdlite
from detlite.convert.rebuild.odapi.family import Family

SCOPE = "FeatureExtractor/MobilenetV3"

LARGE = MobileNetV3(
    scope=SCOPE,
    stem=16,
    activation="HARD_SWISH",
    blocks=(
        InvertedResidual(1, 16),
        InvertedResidual(4, 24, stride=2),
        InvertedResidual(3, 24),
        InvertedResidual(3, 40, kernel=5, stride=2, squeeze=True),
        InvertedResidual(3, 40, kernel=5, squeeze=True),
        InvertedResidual(3, 40, kernel=5, squeeze=True),
        InvertedResidual(6, 80, stride=2, activation="HARD_SWISH"),
        InvertedResidual(2.5, 80, activation="HARD_SWISH"),
        InvertedResidual(184 / 80, 80, activation="HARD_SWISH"),
        InvertedResidual(184 / 80, 80, activation="HARD_SWISH"),
        InvertedResidual(6, 112, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 112, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 80, kernel=5, stride=2, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 80, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 80, kernel=5, activation="HARD_SWISH", squeeze=True),
    ),
    last=480,
    taps=("layer_14/expansion_output", "layer_17"),
)
"""Table 1 of the paper; from stride 32 on with half the channels, which section 6.3 specifies for detection."""

SMALL = MobileNetV3(
    scope=SCOPE,
    stem=16,
    activation="HARD_SWISH",
    blocks=(
        InvertedResidual(1, 16, stride=2, squeeze=True),
        InvertedResidual(72 / 16, 24, stride=2),
        InvertedResidual(88 / 24, 24),
        InvertedResidual(4, 40, kernel=5, stride=2, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 40, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 40, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(3, 48, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(3, 48, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 48, kernel=5, stride=2, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 48, kernel=5, activation="HARD_SWISH", squeeze=True),
        InvertedResidual(6, 48, kernel=5, activation="HARD_SWISH", squeeze=True),
    ),
    last=288,
    taps=("layer_10/expansion_output", "layer_13"),
)
"""Table 2 of the paper; from stride 32 on with half the channels."""

PLUGIN = Family(
    title="SSDLite MobileNet V3",
    paper="Howard et al., Searching for MobileNetV3, ICCV 2019",
    scopes=("FeatureExtractor/MobilenetV3",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssd_mobilenet_v3",),
    extractors={
        "ssd_mobilenet_v3_large": Extractor(LARGE.six_maps),
        "ssd_mobilenet_v3_small": Extractor(SMALL.six_maps),
    },
    presets={
        "ssdlite_mobilenet_v3_large": ssdlite("ssd_mobilenet_v3_large"),
        "ssdlite_mobilenet_v3_small": ssdlite("ssd_mobilenet_v3_small"),
    },
)
