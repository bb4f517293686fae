"""SSDLite with MobileDet, one network for each kind of processor."""

from detlite.convert.family import Family

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
)
