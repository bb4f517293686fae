"""SpineNet."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.fpn import TILING
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.spinenet import SpineNetBackbone, build_spinenet
from detlite.convert.rebuild.tf_vision.backbone import Backbone, spine_levels
from detlite.convert.rebuild.tf_vision.params import Params

SIZES: Mapping[str, tuple[int, float, float, int]] = {
    "49S": (128, 0.65, 0.5, 1),
    "49": (256, 1.0, 0.5, 1),
    "96": (256, 1.0, 0.5, 2),
    "143": (256, 1.0, 1.0, 3),
    "143L": (256, 1.3, 1.0, 3),
    "190": (512, 1.3, 1.0, 4),
}
"""Filters of its maps, scale of all filters, those of resampling, and repeats of its blocks, by its model_id."""


def read(section: Params, norm: NormActivation) -> SpineNetBackbone:
    """Return the SpineNet of *section*."""
    section.needs("model_id")
    section.ignore("stochastic_depth_drop_rate")
    endpoint, scale, alpha, repeats = SIZES[section.choice("model_id", "49", tuple(SIZES))]
    return SpineNetBackbone(norm, spine_levels(section), endpoint, scale, alpha, repeats, TILING)


def build(
    net: GraphBuilder, image: Tensor, config: SpineNetBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps by level, whatever they are for."""
    del classifies
    return build_spinenet(net, image, config, root)


PLUGIN = Backbone(title="SpineNet", reads=SpineNetBackbone, read=read, build=build)
