"""SSDLite with MobileDet, one network for each processor type."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.mobiledet import FusedBlock, InvertedBlock, MobileDet, SeparableBlock, TuckerBlock
from detlite.convert.rebuild.odapi.config.presets import ssdlite
from detlite.convert.rebuild.odapi.family import Family

CPU = MobileDet(
    scope="FeatureExtractor/MobileDetCPU",
    stem=16,
    activation="HARD_SWISH",
    squeeze=True,
    stages=(
        (SeparableBlock(8),),
        (InvertedBlock(4, 16, stride=2, residual=False),),
        (InvertedBlock(8, 32, stride=2, residual=False), *(InvertedBlock(4, 32),) * 3),
        (
            InvertedBlock(8, 72, kernel=5, stride=2, residual=False),
            InvertedBlock(8, 72),
            InvertedBlock(4, 72, kernel=5),
            InvertedBlock(4, 72),
            InvertedBlock(8, 72, residual=False),
            *(InvertedBlock(8, 72),) * 3,
        ),
        (
            InvertedBlock(8, 104, kernel=5, stride=2, residual=False),
            *(InvertedBlock(4, 104, kernel=5),) * 2,
            InvertedBlock(4, 104),
            InvertedBlock(8, 144, residual=False),
        ),
    ),
)
DSP = MobileDet(
    scope="FeatureExtractor/MobileDetDSP",
    stem=32,
    stages=(
        (SeparableBlock(24),),
        (
            FusedBlock(4, 32, stride=2, residual=False),
            FusedBlock(4, 32),
            InvertedBlock(4, 32),
            TuckerBlock(0.25, 0.75, 32),
        ),
        (FusedBlock(8, 64, stride=2, residual=False), InvertedBlock(4, 64), *(FusedBlock(4, 64),) * 2),
        (
            FusedBlock(8, 120, stride=2, residual=False),
            InvertedBlock(4, 120),
            *(InvertedBlock(8, 120),) * 2,
            FusedBlock(8, 144, residual=False),
            *(InvertedBlock(8, 144),) * 3,
        ),
        (
            InvertedBlock(4, 160, stride=2, residual=False),
            InvertedBlock(4, 160),
            FusedBlock(4, 160),
            TuckerBlock(0.75, 0.75, 160),
            InvertedBlock(8, 240, residual=False),
        ),
    ),
)
EDGETPU = MobileDet(
    scope="FeatureExtractor/MobileDetEdgeTPU",
    stem=32,
    stages=(
        (TuckerBlock(0.25, 0.75, 16, residual=False),),
        (FusedBlock(8, 16, stride=2, residual=False), FusedBlock(4, 16), FusedBlock(8, 16), FusedBlock(4, 16)),
        (FusedBlock(8, 40, kernel=5, stride=2, residual=False), *(FusedBlock(4, 40),) * 3),
        (
            InvertedBlock(8, 72, stride=2, residual=False),
            InvertedBlock(8, 72),
            *(FusedBlock(4, 72),) * 2,
            InvertedBlock(8, 96, kernel=5, residual=False),
            InvertedBlock(8, 96, kernel=5),
            *(InvertedBlock(8, 96),) * 2,
        ),
        (
            InvertedBlock(8, 120, kernel=5, stride=2, residual=False),
            InvertedBlock(8, 120),
            InvertedBlock(4, 120, kernel=5),
            InvertedBlock(8, 120),
            InvertedBlock(8, 384, kernel=5, residual=False),
        ),
    ),
)
GPU = MobileDet(
    scope="FeatureExtractor/MobileDetGPU",
    stem=32,
    stages=(
        (TuckerBlock(0.25, 0.25, 16, residual=False),),
        (FusedBlock(8, 32, stride=2, residual=False), *(TuckerBlock(0.25, 0.25, 32),) * 3),
        (FusedBlock(8, 64, stride=2, residual=False), *(FusedBlock(8, 64),) * 2, FusedBlock(4, 64)),
        (
            FusedBlock(8, 128, stride=2, residual=False),
            *(FusedBlock(4, 128),) * 3,
            FusedBlock(8, 128, residual=False),
            *(FusedBlock(8, 128),) * 3,
        ),
        (
            FusedBlock(4, 128, stride=2, residual=False),
            *(FusedBlock(4, 128),) * 3,
            InvertedBlock(8, 384, residual=False),
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
