"""SSD with MobileNet V2: six maps, SSDLite, FPNLite or MnasFPN; TF1 and TF2."""

from detlite.convert.family import Family

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
)
