"""SSD with MobileNet V1: six maps, FPN or pooling pyramid; TF1 and TF2."""

from detlite.convert.family import Family

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
)
