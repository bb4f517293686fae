"""SSD with ResNet V1 and FPN, which the papers call RetinaNet; TF1 and TF2."""

from detlite.convert.family import Family

PLUGIN = Family(
    title="SSD ResNet V1 FPN",
    paper="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017",
    scopes=(
        "FeatureExtractor/resnet_v1_50",
        "FeatureExtractor/resnet_v1_101",
        "FeatureExtractor/resnet_v1_152",
        "ResNet50V1_FPN",
        "ResNet101V1_FPN",
        "ResNet152V1_FPN",
    ),
    mean=(123.68, 116.779, 103.939),  # the ImageNet means, RGB, no scaling
    std=(1.0, 1.0, 1.0),
    archives=("ssd_resnet50_v1_fpn", "ssd_resnet101_v1_fpn", "ssd_resnet152_v1_fpn"),
)
