"""ResNet and ResNet-RS."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.tf_vision_resnet import STEMS, UNITS, ResNetBackbone, build_resnet
from detlite.convert.rebuild.tf_vision.backbone import Backbone
from detlite.convert.rebuild.tf_vision.params import Params


def read(section: Params, norm: NormActivation) -> ResNetBackbone:
    """Return the ResNet of *section*."""
    section.needs("model_id", "stem_type", "se_ratio", "resnetd_shortcut", "replace_stem_max_pool")
    section.ignore("stochastic_depth_drop_rate", "bn_trainable")
    multiplier = section.real("depth_multiplier", 1.0, low=1 / 32, high=16.0)
    return ResNetBackbone(
        int(section.choice("model_id", "50", tuple(map(str, UNITS)))),
        norm,
        stem=section.choice("stem_type", "v0", tuple(STEMS)),
        stem_multiplier=multiplier if section.flag("scale_stem", True) else 1.0,
        depth_multiplier=multiplier,
        se_ratio=section.real("se_ratio", 0.0, high=1.0),
        pooled_shortcut=section.flag("resnetd_shortcut", False),
        conv_for_pool=section.flag("replace_stem_max_pool", False),
    )


def build(
    net: GraphBuilder, image: Tensor, config: ResNetBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps of levels 2 to 5, whatever they are for."""
    del classifies
    return build_resnet(net, image, config, root)


PLUGIN = Backbone(title="ResNet", reads=ResNetBackbone, read=read, build=build)
