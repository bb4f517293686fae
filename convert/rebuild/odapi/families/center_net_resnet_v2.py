"""CenterNet with ResNet V2 and transposed convolutions, TF2."""

from __future__ import annotations

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.network.center_net import CenterExtractor
from detlite.convert.rebuild.network.keras_resnet_v2 import ResNetV2Map
from detlite.convert.rebuild.odapi.family import Family

CENTERED = (127.5, 127.5, 127.5)  # keras.applications.resnet_v2.preprocess_input

PLUGIN = Family(
    title="CenterNet ResNet V2",
    paper="Zhou et al., Objects as Points, 2019; He et al., Identity Mappings in Deep Residual Networks, 2016",
    scopes=("center_net_resnet_feature_extractor",),
    mean=CENTERED,
    std=CENTERED,
    archives=("centernet_resnet50_v2_512x512_coco17_tpu_8", "centernet_resnet50_v2_512x512_kpts_coco17_tpu_8"),
    center_nets={
        f"resnet_v2_{layers}": CenterExtractor(ResNetV2Map(layers).build, CENTERED, CENTERED) for layers in (50, 101)
    },
    presets={
        "centernet_resnet50_v2": CenterNet(
            classes=90,
            type="resnet_v2_50",
            resizer=ImageResizer(512, 512, keeps_aspect=True, shortest=512, pads=True),
            center_head_filters=(256,),
            center_head_kernels=(3,),
            box_head_filters=(256,),
            box_head_kernels=(3,),
        )
    },
)
