"""Mask R-CNN and Cascade R-CNN: a backbone, a pyramid of maps, proposals, and heads for the regions of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.detector_config import ImageResizer, PostProcessing
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.fpn import PyramidConfig
from detlite.convert.rebuild.network.tf_vision_rcnn import CASCADE, RegionConfig, RegionHead, RegionMasks, Rpn
from detlite.convert.rebuild.tf_vision.backbone import read_backbone, read_norm
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.pyramid import read_anchors, read_levels, read_pyramid
from detlite.convert.rebuild.tf_vision.read import TaskReader
from detlite.convert.rebuild.tf_vision.sizes import input_size
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MOST_CLASSES = 10_000
NMS_VERSIONS = ("v1", "v2", "v3", "batched")
MIDDLE = "detlite samples the middle of each cell of a region"


@dataclass(frozen=True)
class RegionDetector:
    """A two-stage detector.

    Attributes:
        size: (height, width) of its input; None if the config leaves it open.
        levels: the lowest and the highest level.
        backbone: the config of its backbone.
        pyramid: the config of its decoder; None for `identity`, which takes the backbone's maps.
        regions: the config of all parts after the maps.
        keeps_aspect: whether images are padded instead of stretched.
    """

    size: tuple[int, int] | None
    levels: tuple[int, int]
    backbone: Any
    pyramid: PyramidConfig | None
    regions: RegionConfig
    keeps_aspect: bool

    @property
    def classes(self) -> int:
        """The number of classes without the background."""
        return self.regions.columns - 1

    @property
    def norm(self) -> NormActivation:
        """The norm and the activation of its decoder and its heads."""
        return self.regions.norm

    @property
    def resizer(self) -> ImageResizer:
        """The input's size."""
        return ImageResizer(*(self.size or (0, 0)))


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* proposes regions."""
    return "rpn_head" in model or "roi_generator" in model


def read(task: Params) -> RegionDetector:
    """Return the two-stage detector in *task*."""
    task.ignore("train_data", "export_config", "use_approx_instance_metrics", "allowed_mask_class_ids")
    model = task.inside("model")
    model.needs("num_classes", "input_size", "min_level", "max_level", "backbone", "rpn_head", "detection_head")
    model.ignore("mask_sampler")
    model.only("outer_boxes_scale", 1.0, "detlite takes masks of the boxes themselves")
    levels, norm = read_levels(model, (2, 6)), read_norm(model)
    rpn, head = _rpn(model), _head(model)
    regions = RegionConfig(
        columns=model.integer("num_classes", 91, low=2, high=MOST_CLASSES),
        norm=norm,
        anchors=read_anchors(model, size=8.0, scales=1),
        rpn=rpn,
        head=head,
        masks=_masks(model),
        nms=_nms(model, rpn.proposals),
    )
    config = RegionDetector(
        size=input_size(model),
        levels=levels,
        backbone=read_backbone(model, norm),
        pyramid=read_pyramid(model, levels),
        regions=regions,
        keeps_aspect=task.inside("validation_data").inside("parser").flag("keep_aspect_ratio", True),
    )
    model.finish()
    return config


def _rpn(model: Params) -> Rpn:
    head, rois = model.inside("rpn_head"), model.inside("roi_generator")
    for name in ("test_pre_nms_score_threshold", "test_pre_nms_min_size_threshold"):
        rois.only(name, 0.0, "detlite compares all boxes of a level")
    rois.ignore("use_batched_nms", "num_proposals", "nms_iou_threshold")
    rois.ignore("pre_nms_top_k", "pre_nms_score_threshold", "pre_nms_min_size_threshold")  # of training
    rpn = Rpn(
        head.integer("num_convs", 1, high=64),
        head.integer("num_filters", 256, low=1, high=4096),
        head.flag("use_separable_conv", False),
        rois.integer("test_pre_nms_top_k", 1000, low=1, high=100_000),
        rois.integer("test_num_proposals", 1000, low=1, high=10_000),
        rois.real("test_nms_iou_threshold", 0.7, low=0.001, high=1.0),
    )
    head.finish()
    rois.finish()
    return rpn


def _head(model: Params) -> RegionHead:
    section, stages = model.inside("detection_head"), _stages(model)
    agnostic = section.flag("class_agnostic_bbox_pred", False)
    if stages > 1 and not agnostic:
        raise InputError(
            f"{section.where('class_agnostic_bbox_pred')} is False: detlite rebuilds cascades whose classes share a box"
        )
    head = RegionHead(
        section.integer("num_convs", 4, high=64),
        section.integer("num_filters", 256, low=1, high=4096),
        section.flag("use_separable_conv", False),
        section.integer("num_fcs", 1, high=16),
        section.integer("fc_dims", 1024, low=1, high=65536),
        agnostic,
        stages,
        section.flag("cascade_class_ensemble", False),
        _crop(model, "roi_aligner", 7),
    )
    section.finish()
    return head


def _stages(model: Params) -> int:
    sampler = model.inside("roi_sampler")
    stages = 1 + len(sampler.reals("cascade_iou_thresholds", ()))
    if stages > len(CASCADE):
        raise InputError(
            f"{sampler.where('cascade_iou_thresholds')} makes {counted(stages, 'head')}; want at most {len(CASCADE)}"
        )
    return stages


def _masks(model: Params) -> RegionMasks | None:
    section, crop = model.inside("mask_head"), _crop(model, "mask_roi_aligner", 14)
    masks = RegionMasks(
        section.integer("num_convs", 4, high=64),
        section.integer("num_filters", 256, low=1, high=4096),
        section.flag("use_separable_conv", False),
        section.integer("upsample_factor", 2, low=1, high=8),
        section.flag("class_agnostic", False),
        crop,
    )
    section.finish()
    return masks if model.flag("include_mask", False) else None


def _crop(model: Params, name: str, default: int) -> int:
    section = model.inside(name)
    section.only("sample_offset", 0.5, MIDDLE)
    side = section.integer("crop_size", default, low=1, high=112)
    section.finish()
    return side


def _nms(model: Params, proposals: int) -> PostProcessing:
    section = model.inside("detection_generator")
    section.ignore("use_cpu_nms")
    section.choice("nms_version", "v2", NMS_VERSIONS)
    section.only("apply_nms", True, "detlite suppresses boxes")
    section.only("soft_nms_sigma", 0.0, "detlite has no soft suppression")
    section.only("use_sigmoid_probability", False, "detlite rebuilds heads with a softmax")
    candidates = section.integer("pre_nms_top_k", 5000)
    if candidates < proposals:
        raise InputError(
            f"{section.where('pre_nms_top_k')} is {candidates}: detlite suppresses the boxes of all {proposals} "
            "proposals; want no less"
        )
    most = section.integer("max_num_detections", 100, low=1, high=1000)
    nms = PostProcessing(
        score_converter="SOFTMAX",
        score_threshold=section.real("pre_nms_score_threshold", 0.05, high=1.0),
        iou_threshold=section.real("nms_iou_threshold", 0.5, low=0.001, high=1.0),
        max_detections_per_class=most,
        max_total_detections=most,
    )
    section.finish()
    return nms


PLUGIN = TaskReader(title="two-stage detection (Mask and Cascade R-CNN)", recognizes=recognizes, read=read)
