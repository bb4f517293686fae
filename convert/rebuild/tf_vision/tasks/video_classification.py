"""Video classification with a 3-D ResNet: its backbone, the mean of its last map, and one dense layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.resnet_3d import LAYERS, STEMS, BlockGroup, Resnet3dBackbone
from detlite.convert.rebuild.network.tf_vision_resnet import UNITS
from detlite.convert.rebuild.tf_vision.backbone import read_norm
from detlite.convert.rebuild.tf_vision.clips import ClipConfig, read_clips
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.read import TaskReader, backbones_in
from detlite.runtime.errors import InputError

KIND = "video_classification"
PLAIN, RS = "resnet_3d", "resnet_3d_rs"
BACKBONES = (PLAIN, RS)
MOVINET = "movinet"
MOST_FRAMES = 64
"""Of a kernel or a stride."""

_PLAIN_GROUPS = (
    BlockGroup((3, 3, 3), 1, gated=True),
    BlockGroup((3, 1, 3, 1), 1, gated=True),
    BlockGroup((3, 1, 3, 1, 3, 1), 1, gated=True),
    BlockGroup((1, 3, 1), 1, gated=True),
)
_RS_GROUPS = tuple(BlockGroup((frames,), 1, gated=True) for frames in (1, 1, 3, 3))
DEFAULT_GROUPS: Mapping[str, tuple[BlockGroup, ...]] = {PLAIN: _PLAIN_GROUPS, RS: _RS_GROUPS}
"""`block_specs` of the classes `ResNet3D50` and `ResNet3DRS`; of the latter a group has one kernel for all blocks."""

_STEM: Mapping[str, tuple[str, float]] = {PLAIN: ("v0", 0.0), RS: ("v1", 0.2)}
"""The stem and the squeeze-and-excite of these classes."""


@dataclass(frozen=True)
class ClipClassifier(ClipConfig):
    """A 3-D ResNet with its classes.

    Attributes:
        backbone: its backbone.
    """

    backbone: Resnet3dBackbone


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* is of clips, and no MoViNet."""
    if "model_type" in model:
        return bool(model["model_type"] == KIND)
    named = backbones_in(model)
    return bool({*BACKBONES} & named) and MOVINET not in named


def read(task: Params) -> ClipClassifier:
    """Return the classifier in *task*.

    Raises:
        InputError: TF-Vision has no such network, or detlite does not rebuild it.
    """
    model = task.inside("model")
    model.needs("backbone")
    model.ignore("model_type", "dropout_rate", "require_endpoints")
    model.only("aggregate_endpoints", False, "detlite does not rebuild a head on several maps")
    kind, section = model.one_of("backbone", PLAIN, BACKBONES)
    if kind not in BACKBONES:
        raise InputError(f"{model.where('backbone')} is {kind}; want one of {', '.join(BACKBONES)}")
    config = ClipClassifier(read_clips(task), _backbone(section, kind, read_norm(model)))
    section.finish()
    model.finish()
    return config


def _backbone(section: Params, kind: str, norm: NormActivation) -> Resnet3dBackbone:
    section.needs(
        "model_id",
        "block_specs",
        "stem_type",
        "se_ratio",
        "stem_conv_temporal_kernel_size",
        "stem_conv_temporal_stride",
        "stem_pool_temporal_stride",
    )
    section.ignore("stochastic_depth_drop_rate")
    stem, se_ratio = _STEM[kind]
    layers = int(section.choice("model_id", "50", tuple(map(str, LAYERS))))
    return Resnet3dBackbone(
        norm,
        stem=section.choice("stem_type", stem, tuple(STEMS)),
        stem_frames=section.integer("stem_conv_temporal_kernel_size", 5, low=1, high=MOST_FRAMES),
        stem_stride=section.integer("stem_conv_temporal_stride", 2, low=1, high=MOST_FRAMES),
        pool_stride=section.integer("stem_pool_temporal_stride", 2, low=1, high=MOST_FRAMES),
        groups=_groups(section, kind, layers),
        se_ratio=section.real("se_ratio", se_ratio, high=1.0),
    )


def _groups(section: Params, kind: str, layers: int) -> tuple[BlockGroup, ...]:
    found = tuple(_group(one) for one in section.sections("block_specs")) or DEFAULT_GROUPS[kind]
    counts = UNITS[layers]
    if kind == RS:  # one kernel for all blocks
        found = tuple(
            BlockGroup(one.kernels * count, one.stride, one.gated) for one, count in zip(found, counts, strict=False)
        )
    if tuple(len(one.kernels) for one in found) != counts or max(max(one.kernels) for one in found) > MOST_FRAMES:
        raise InputError(
            f"{section.where('block_specs')} has temporal_kernel_sizes {[list(one.kernels) for one in found]}; a "
            f"{kind} of {layers} layers has {', '.join(map(str, counts))} blocks, with kernels of at most {MOST_FRAMES}"
        )
    return found


def _group(section: Params) -> BlockGroup:
    group = BlockGroup(
        section.integers("temporal_kernel_sizes", ()),
        section.integer("temporal_strides", 1, low=1, high=MOST_FRAMES),
        gated=section.flag("use_self_gating", False),
    )
    section.finish()
    return group


PLUGIN = TaskReader(title="video classification with a 3-D ResNet", recognizes=recognizes, read=read)
