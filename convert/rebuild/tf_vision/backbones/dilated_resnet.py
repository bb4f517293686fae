"""ResNet with dilated last groups, as DeepLab has it."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.tf_vision_resnet import (
    BOTTLENECK_FROM,
    DILATED_STEMS,
    UNITS,
    DilatedResNetBackbone,
    ResNetBackbone,
    build_dilated_resnet,
)
from detlite.convert.rebuild.tf_vision.backbone import Backbone
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

OUTPUT_STRIDES = ("8", "16", "32")


def read(section: Params, norm: NormActivation) -> DilatedResNetBackbone:
    """Return the dilated ResNet of *section*.

    Raises:
        InputError: `multigrid` has not one number for each block of the last group.
    """
    section.needs("model_id", "output_stride", "stem_type", "multigrid")
    section.ignore("stochastic_depth_drop_rate")
    layers = [number for number in UNITS if number >= BOTTLENECK_FROM]
    plain = ResNetBackbone(
        int(section.choice("model_id", "50", tuple(map(str, layers)))),
        norm,
        stem=section.choice("stem_type", "v0", tuple(DILATED_STEMS)),
        se_ratio=section.real("se_ratio", 0.0, high=1.0),
        pooled_shortcut=section.flag("resnetd_shortcut", False),
        conv_for_pool=section.flag("replace_stem_max_pool", False),
    )
    multigrid, blocks = section.integers("multigrid", ()), UNITS[plain.layers][-1]
    if multigrid and len(multigrid) != blocks:
        raise InputError(
            f"{section.where('multigrid')} has {counted(len(multigrid), 'number')} for {counted(blocks, 'block')}; "
            "want one each"
        )
    stride = int(section.choice("output_stride", "16", OUTPUT_STRIDES))
    repeats = section.integer("last_stage_repeats", 1, low=1, high=8)
    return DilatedResNetBackbone(plain, stride, multigrid, repeats)


def build(
    net: GraphBuilder, image: Tensor, config: DilatedResNetBackbone, root: str, classifies: bool
) -> Mapping[int, Tensor]:
    """Return the maps by level, whatever they are for."""
    del classifies
    return build_dilated_resnet(net, image, config, root)


PLUGIN = Backbone(title="dilated ResNet", reads=DilatedResNetBackbone, read=read, build=build)
