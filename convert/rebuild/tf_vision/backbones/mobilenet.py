"""MobileNet V2."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.tf_vision_mobilenet import MobileNetBackbone, build_mobilenet_v2
from detlite.convert.rebuild.tf_vision.backbone import Backbone
from detlite.convert.rebuild.tf_vision.params import Params

STRIDES = ("8", "16", "32")


def read(section: Params, norm: NormActivation) -> MobileNetBackbone:
    """Return the MobileNet of *section*; its activation is ReLU6, whatever that of *norm* is."""
    section.needs("model_id", "filter_size_scale", "output_stride")
    section.ignore("stochastic_depth_drop_rate", "flat_stochastic_depth_drop_rate")
    section.only("model_id", "MobileNetV2", "detlite rebuilds MobileNetV2")
    section.only("output_intermediate_endpoints", False, "detlite does not rebuild maps within blocks")
    stride = int(section.choice("output_stride", "32", STRIDES)) if section.has("output_stride") else None
    section.ignore("output_stride")
    return MobileNetBackbone(section.real("filter_size_scale", 1.0, low=0.05, high=8.0), norm.epsilon, stride)


def build(
    net: GraphBuilder, image: Tensor, config: MobileNetBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps by level; for a classifier with the last convolution."""
    return build_mobilenet_v2(net, image, config, root, classifies=classifies)


PLUGIN = Backbone(title="MobileNet V2", reads=MobileNetBackbone, read=read, build=build)
