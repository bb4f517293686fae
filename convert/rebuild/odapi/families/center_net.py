"""CenterNet with MobileNet V2 or ResNet V1 and a pyramid, TF2."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import BatchNorm, FeatureExtractor
from detlite.convert.rebuild.network.center_net import BASE, CenterExtractor, top_down
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.keras_resnet import KerasResNet
from detlite.convert.rebuild.network.slim import Slim, Style
from detlite.convert.rebuild.odapi.families.mobilenet_v2 import keras_backbone_of
from detlite.convert.rebuild.odapi.family import Family

MOBILENET_TAPS = ("layer_4", "layer_7", "layer_11", "layer_19")
MOBILENET_DEPTHS = (64, 32, 24)
RESNET_DEPTHS = (256, 128, 64)
RESNET_EPSILON = 1.001e-5  # of keras.applications
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red: keras.applications.resnet.preprocess_input
CENTERED = (127.5, 127.5, 127.5)


def mobilenet_map(net: GraphBuilder, image: Tensor, config: CenterNet) -> Tensor:
    """Return the map at stride 4 of a pyramid on MobileNet V2."""
    plain = FeatureExtractor("mobilenet_v2", depth_multiplier=config.depth_multiplier, min_depth=0)
    points = keras_backbone_of(net, plain, BASE).endpoints(image)
    return top_down(net, [points[tap] for tap in MOBILENET_TAPS], MOBILENET_DEPTHS, config)


@dataclass(frozen=True)
class ResNetMap:
    """The map at stride 4 of a pyramid on a ResNet with 50 or 101 *layers*."""

    layers: int

    def build(self, net: GraphBuilder, image: Tensor, config: CenterNet) -> Tensor:
        """Return the map; the backbone's convolutions have biases as well as batch norms."""
        style = Style("RELU", BatchNorm(RESNET_EPSILON, scale=True), biased=True)
        resnet = KerasResNet(Slim(net, KERAS_NAMES), BASE, style, padded_pool=True)
        return top_down(net, resnet.blocks(image, self.layers), RESNET_DEPTHS, config)


MOBILENET = CenterExtractor(mobilenet_map, CENTERED, CENTERED)


def _preset(kind: str, **fields: object) -> CenterNet:
    heads = {"center_head_filters": (256,), "center_head_kernels": (3,)}
    heads |= {"box_head_filters": (256,), "box_head_kernels": (3,)}
    return CenterNet(90, kind, **heads, **fields)  # type: ignore[arg-type]  # fields of CenterNet, by name


PLUGIN = Family(
    title="CenterNet",
    paper="Zhou et al., Objects as Points, 2019",
    scopes=("center_net_mobile_net_v2fpn_feature_extractor", "center_net_resnet_v1fpn_feature_extractor"),
    mean=CENTERED,
    std=CENTERED,
    archives=(
        "centernet_mobilenetv2fpn_512x512_coco17_kpts",
        "centernet_mobilenetv2fpn_512x512_coco17_od",
        "centernet_resnet50_v1_fpn_512x512_coco17_tpu_8",
        "centernet_resnet50_v1_fpn_512x512_kpts_coco17_tpu_8",
        "centernet_resnet101_v1_fpn_512x512_coco17_tpu_8",
    ),
    center_nets={
        "mobilenet_v2_fpn": MOBILENET,
        "mobilenet_v2_fpn_sep_conv": MOBILENET,
        **{
            f"resnet_v1_{layers}_fpn": CenterExtractor(ResNetMap(layers).build, CAFFE_MEAN, (1.0, 1.0, 1.0), swaps=True)
            for layers in (50, 101)
        },
    },
    presets={
        "centernet_mobilenet_v2_fpn": _preset("mobilenet_v2_fpn", use_depthwise=True, use_separable_conv=True),
        "centernet_resnet50_v1_fpn": _preset("resnet_v1_50_fpn"),
        "centernet_resnet101_v1_fpn": _preset("resnet_v1_101_fpn"),
    },
)
