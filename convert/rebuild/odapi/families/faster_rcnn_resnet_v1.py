"""Faster, Mask and Context R-CNN with ResNet V1; TF1 and TF2."""

from __future__ import annotations

from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.convert.rebuild.network.resnet_v1 import UNITS
from detlite.convert.rebuild.network.two_stage_keras_resnet import TwoStageKerasResNet
from detlite.convert.rebuild.network.two_stage_names import TF2_NAMES
from detlite.convert.rebuild.network.two_stage_resnet_v1 import TwoStageResNetV1
from detlite.convert.rebuild.odapi.family import Family

NETS = {layers: TwoStageResNetV1(layers) for layers in UNITS}

TF2_SIZES = ("640x640_coco17_tpu_8", "800x1333_coco17_gpu_8", "1024x1024_coco17_tpu_8")


def _keras(layers: int) -> TwoStageExtractor:
    net = TwoStageKerasResNet(layers)
    return TwoStageExtractor(net.image_features, net.region_features, strides=(16,), names=TF2_NAMES)


PLUGIN = Family(
    title="Faster, Mask and Context R-CNN ResNet V1",
    paper="Ren et al., Faster R-CNN, NeurIPS 2015",
    scopes=tuple(f"FirstStageFeatureExtractor/resnet_v1_{layers}" for layers in NETS),
    mean=(123.68, 116.779, 103.939),  # the ImageNet means, RGB, no scaling
    std=(1.0, 1.0, 1.0),
    archives=(
        "context_rcnn_resnet101_snapshot_serengeti",
        "faster_rcnn_resnet50_coco",
        "faster_rcnn_resnet50_fgvc",
        "faster_rcnn_resnet50_lowproposals_coco",
        "faster_rcnn_resnet101_ava_v2_1",
        "faster_rcnn_resnet101_coco",
        "faster_rcnn_resnet101_fgvc",
        "faster_rcnn_resnet101_kitti",
        "faster_rcnn_resnet101_lowproposals_coco",
        "faster_rcnn_resnet101_snapshot_serengeti",
        "mask_rcnn_resnet50_atrous_coco",
        "mask_rcnn_resnet101_atrous_coco",
        "rfcn_resnet101_coco",
        *(f"faster_rcnn_resnet{layers}_v1_{size}" for layers in UNITS for size in TF2_SIZES),
    ),
    two_stage={
        **{
            f"faster_rcnn_resnet{layers}": TwoStageExtractor(net.image_features, net.region_features)
            for layers, net in NETS.items()
        },
        **{f"faster_rcnn_resnet{layers}_keras": _keras(layers) for layers in UNITS},
    },
)
