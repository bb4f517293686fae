"""Faster and Mask R-CNN with Inception-ResNet V2; TF1 and TF2."""

from __future__ import annotations

from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.convert.rebuild.network.two_stage_inception_resnet import (
    TwoStageInceptionResNet,
    TwoStageKerasInceptionResNet,
)
from detlite.convert.rebuild.network.two_stage_names import TF2_NAMES
from detlite.convert.rebuild.odapi.family import Family

SLIM, KERAS = TwoStageInceptionResNet(), TwoStageKerasInceptionResNet()

PLUGIN = Family(
    title="Inception-ResNet V2",
    paper="Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections, AAAI 2017",
    scopes=("FirstStageFeatureExtractor/InceptionResnetV2",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=(
        "faster_rcnn_inception_resnet_v2_640x640_coco17_tpu_8",
        "faster_rcnn_inception_resnet_v2_1024x1024_coco17_tpu_8",
        "faster_rcnn_inception_resnet_v2_atrous_coco",
        "faster_rcnn_inception_resnet_v2_atrous_lowproposals_coco",
        "faster_rcnn_inception_resnet_v2_atrous_lowproposals_oid",
        "faster_rcnn_inception_resnet_v2_atrous_oid",
        "faster_rcnn_inception_resnet_v2_atrous_oid_v4",
        "mask_rcnn_inception_resnet_v2_1024x1024_coco17_gpu_8",
        "mask_rcnn_inception_resnet_v2_atrous_coco",
    ),
    two_stage={
        "faster_rcnn_inception_resnet_v2": TwoStageExtractor(SLIM.image_features, SLIM.region_features),
        "faster_rcnn_inception_resnet_v2_keras": TwoStageExtractor(
            KERAS.image_features, KERAS.region_features, strides=(16,), names=TF2_NAMES
        ),
    },
)
