"""SSDLite with MobileDet, one network for each kind of processor."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.mobiledet import Design, Fused, Inverted, Separable, Tucker
from detlite.convert.rebuild.odapi.config.presets import ssdlite
from detlite.convert.rebuild.odapi.family import Family

CPU = Design(
    scope="FeatureExtractor/MobileDetCPU",
    stem=16,
    activation="HARD_SWISH",
    squeeze=True,
    stages=(
        (Separable(8),),
        (Inverted(4, 16, stride=2, residual=False),),
        (Inverted(8, 32, stride=2, residual=False), *(Inverted(4, 32),) * 3),
        (
            Inverted(8, 72, kernel=5, stride=2, residual=False),
            Inverted(8, 72),
            Inverted(4, 72, kernel=5),
            Inverted(4, 72),
            Inverted(8, 72, residual=False),
            *(Inverted(8, 72),) * 3,
        ),
        (
            Inverted(8, 104, kernel=5, stride=2, residual=False),
            *(Inverted(4, 104, kernel=5),) * 2,
            Inverted(4, 104),
            Inverted(8, 144, residual=False),
        ),
    ),
)
DSP = Design(
    scope="FeatureExtractor/MobileDetDSP",
    stem=32,
    stages=(
        (Separable(24),),
        (Fused(4, 32, stride=2, residual=False), Fused(4, 32), Inverted(4, 32), Tucker(0.25, 0.75, 32)),
        (Fused(8, 64, stride=2, residual=False), Inverted(4, 64), *(Fused(4, 64),) * 2),
        (
            Fused(8, 120, stride=2, residual=False),
            Inverted(4, 120),
            *(Inverted(8, 120),) * 2,
            Fused(8, 144, residual=False),
            *(Inverted(8, 144),) * 3,
        ),
        (
            Inverted(4, 160, stride=2, residual=False),
            Inverted(4, 160),
            Fused(4, 160),
            Tucker(0.75, 0.75, 160),
            Inverted(8, 240, residual=False),
        ),
    ),
)
EDGETPU = Design(
    scope="FeatureExtractor/MobileDetEdgeTPU",
    stem=32,
    stages=(
        (Tucker(0.25, 0.75, 16, residual=False),),
        (Fused(8, 16, stride=2, residual=False), Fused(4, 16), Fused(8, 16), Fused(4, 16)),
        (Fused(8, 40, kernel=5, stride=2, residual=False), *(Fused(4, 40),) * 3),
        (
            Inverted(8, 72, stride=2, residual=False),
            Inverted(8, 72),
            *(Fused(4, 72),) * 2,
            Inverted(8, 96, kernel=5, residual=False),
            Inverted(8, 96, kernel=5),
            *(Inverted(8, 96),) * 2,
        ),
        (
            Inverted(8, 120, kernel=5, stride=2, residual=False),
            Inverted(8, 120),
            Inverted(4, 120, kernel=5),
            Inverted(8, 120),
            Inverted(8, 384, kernel=5, residual=False),
        ),
    ),
)
GPU = Design(
    scope="FeatureExtractor/MobileDetGPU",
    stem=32,
    stages=(
        (Tucker(0.25, 0.25, 16, residual=False),),
        (Fused(8, 32, stride=2, residual=False), *(Tucker(0.25, 0.25, 32),) * 3),
        (Fused(8, 64, stride=2, residual=False), *(Fused(8, 64),) * 2, Fused(4, 64)),
        (
            Fused(8, 128, stride=2, residual=False),
            *(Fused(4, 128),) * 3,
            Fused(8, 128, residual=False),
            *(Fused(8, 128),) * 3,
        ),
        (
            Fused(4, 128, stride=2, residual=False),
            *(Fused(4, 128),) * 3,
            Inverted(8, 384, residual=False),
        ),
    ),
)

PLUGIN = Family(
    title="SSDLite MobileDet",
    paper="Xiong et al., MobileDets, CVPR 2021",
    scopes=(
        "FeatureExtractor/MobileDetCPU",
        "FeatureExtractor/MobileDetDSP",
        "FeatureExtractor/MobileDetEdgeTPU",
        "FeatureExtractor/MobileDetGPU",
    ),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=(
        "ssdlite_mobiledet_cpu",
        "ssdlite_mobiledet_dsp",
        "ssdlite_mobiledet_edgetpu",
        "ssdlite_mobiledet_gpu",
    ),
    extractors={
        "ssd_mobiledet_cpu": Extractor(CPU.six_maps),
        "ssd_mobiledet_dsp": Extractor(DSP.six_maps),
        "ssd_mobiledet_edgetpu": Extractor(EDGETPU.six_maps),
        "ssd_mobiledet_gpu": Extractor(GPU.six_maps),
    },
    presets={
        f"ssdlite_mobiledet_{kind}": ssdlite(f"ssd_mobiledet_{kind}") for kind in ("cpu", "dsp", "edgetpu", "gpu")
    },
)
