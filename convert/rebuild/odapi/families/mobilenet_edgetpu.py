"""SSDLite with MobileNet-EdgeTPU."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.mobilenet_v3 import InvertedResidual, MobileNetV3
from detlite.convert.rebuild.odapi.config.presets import ssdlite
from detlite.convert.rebuild.odapi.family import Family

DESIGN = MobileNetV3(
    scope="FeatureExtractor/MobilenetEdgeTPU",
    stem=32,
    activation="RELU",
    blocks=(
        InvertedResidual(1, 16, fused=True),
        InvertedResidual(8, 32, stride=2, fused=True),
        *(InvertedResidual(4, 32, fused=True),) * 3,
        InvertedResidual(8, 48, stride=2, fused=True),
        *(InvertedResidual(4, 48, fused=True),) * 3,
        InvertedResidual(8, 96, stride=2),
        *(InvertedResidual(4, 96),) * 3,
        InvertedResidual(8, 96, residual=False),
        *(InvertedResidual(4, 96),) * 3,
        InvertedResidual(8, 160, kernel=5, stride=2),
        *(InvertedResidual(4, 160, kernel=5),) * 3,
        InvertedResidual(8, 192),
    ),
    last=None,
    taps=("layer_18/expansion_output", "layer_23"),
)
"""The network without the last convolution of the classifier, which detection does not use."""

PLUGIN = Family(
    title="SSDLite MobileNet-EdgeTPU",
    paper="Howard and Gupta, Introducing the Next Generation of On-Device Vision Models, 2019",
    scopes=("FeatureExtractor/MobilenetEdgeTPU",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("ssdlite_mobilenet_edgetpu",),
    extractors={"ssd_mobilenet_edgetpu": Extractor(DESIGN.six_maps)},
    presets={"ssdlite_mobilenet_edgetpu": ssdlite("ssd_mobilenet_edgetpu")},
)
