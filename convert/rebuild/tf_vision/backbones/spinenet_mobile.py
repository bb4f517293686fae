"""Mobile SpineNet."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.fpn import TILING
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.spinenet import MobileSpineNetBackbone, build_spinenet_mobile
from detlite.convert.rebuild.tf_vision.backbone import Backbone, spine_levels
from detlite.convert.rebuild.tf_vision.params import Params

SIZES: Mapping[str, tuple[int, float]] = {"49": (48, 1.0), "49S": (40, 0.65), "49XS": (24, 0.6)}
"""Filters of its maps, and the scale of all filters, by its model_id."""


def read(section: Params, norm: NormActivation) -> MobileSpineNetBackbone:
    """Return the mobile SpineNet of *section*."""
    section.needs("model_id")
    section.ignore("stochastic_depth_drop_rate")
    endpoint, scale = SIZES[section.choice("model_id", "49", tuple(SIZES))]
    expansion = section.integer("expand_ratio", 6, low=1, high=64)
    se_ratio = section.real("se_ratio", 0.2, high=1.0)
    up_layers = 1 if section.flag("use_keras_upsampling_2d", False) else TILING
    return MobileSpineNetBackbone(norm, spine_levels(section), endpoint, scale, expansion, se_ratio, up_layers)


def build(
    net: GraphBuilder, image: Tensor, config: MobileSpineNetBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps by level, whatever they are for."""
    del classifies
    return build_spinenet_mobile(net, image, config, root)


PLUGIN = Backbone(title="Mobile SpineNet", reads=MobileSpineNetBackbone, read=read, build=build)
