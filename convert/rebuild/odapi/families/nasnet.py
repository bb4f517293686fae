"""Faster R-CNN with NASNet-A large; TF1."""

from __future__ import annotations

from detlite.convert.rebuild.network.faster_rcnn import TwoStageExtractor
from detlite.convert.rebuild.network.two_stage_nasnet import TwoStageNasNet
from detlite.convert.rebuild.odapi.family import Family

NET = TwoStageNasNet()

PLUGIN = Family(
    title="NASNet-A large",
    paper="Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, CVPR 2018",
    scopes=("FirstStageFeatureExtractor/cell_0",),
    mean=(127.5, 127.5, 127.5),
    std=(127.5, 127.5, 127.5),
    archives=("faster_rcnn_nas_coco", "faster_rcnn_nas_lowproposals_coco"),
    two_stage={"faster_rcnn_nas": TwoStageExtractor(NET.image_features, NET.region_features, strides=(16,))},
)
