"""SSD with ResNet V1 and FPN (RetinaNet) or a pooling pyramid; TF1 and TF2."""

from __future__ import annotations

from detlite.convert.rebuild.network.extractor import Extractor
from detlite.convert.rebuild.network.keras_resnet import KerasResNetPyramid
from detlite.convert.rebuild.network.resnet_v1 import SMALLEST_SIDE, UNITS, ResNetV1
from detlite.convert.rebuild.odapi.config.presets import retinanet
from detlite.convert.rebuild.odapi.family import Family


def keras(layers: int) -> Extractor:
    """Return the TF2 extractor with 50, 101 or 152 *layers*."""
    return Extractor(KerasResNetPyramid(layers).maps, keras=True, smallest_side=SMALLEST_SIDE, reads=("fpn",))


NETS = {layers: ResNetV1(layers) for layers in UNITS}

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
    normalizes_gray=False,
    archives=("ssd_resnet50_v1_fpn", "ssd_resnet101_v1_fpn", "ssd_resnet152_v1_fpn"),
    extractors={
        **{
            f"ssd_resnet{n}_v1_fpn": Extractor(net.fpn_maps, smallest_side=SMALLEST_SIDE, reads=("fpn",))
            for n, net in NETS.items()
        },
        **{f"ssd_resnet{n}_v1_fpn_keras": keras(n) for n in NETS},
        **{f"ssd_resnet{n}_v1_ppn": Extractor(net.ppn_maps, smallest_side=SMALLEST_SIDE) for n, net in NETS.items()},
    },
    presets={
        **{f"ssd_resnet{n}_v1_fpn": retinanet(f"ssd_resnet{n}_v1_fpn") for n in NETS},
        **{f"tf2_ssd_resnet{n}_v1_fpn": retinanet(f"ssd_resnet{n}_v1_fpn_keras") for n in NETS},
    },
)
