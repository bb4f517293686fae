"""RetinaNet: a backbone, a pyramid of maps, and heads on each level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.network.blocks import NormActivation
from detlite.convert.rebuild.network.fpn import PyramidConfig
from detlite.convert.rebuild.network.retinanet import DenseHead, LevelAnchors
from detlite.convert.rebuild.tf_vision.backbone import read_backbone, read_norm
from detlite.convert.rebuild.tf_vision.params import Params
from detlite.convert.rebuild.tf_vision.pyramid import read_anchors, read_levels, read_pyramid, read_ranged_pyramid
from detlite.convert.rebuild.tf_vision.quantization import check_backbone, read_quantization, refused
from detlite.convert.rebuild.tf_vision.read import TaskReader
from detlite.convert.rebuild.tf_vision.sizes import input_size
from detlite.runtime.errors import InputError

MOST_CLASSES = 100_000
NMS_VERSIONS = ("v1", "v2", "v3", "batched", "tflite")
LEAST_CANDIDATES = 5000
"""TF-Vision's default of `pre_nms_top_k`: the best boxes of a class that are compared."""


@dataclass(frozen=True)
class RetinaNms:
    """`detection_generator` of a model, for its non-maximum suppression.

    *clips* says whether boxes are clipped to the image before they are compared: not by TF-Vision's post-processing op.
    """

    score_threshold: float
    iou_threshold: float
    max_detections: int
    clips: bool = True


@dataclass(frozen=True)
class RetinaNet:
    """A RetinaNet.

    Attributes:
        columns: the number of its class scores, the background among them.
        size: (height, width) of its input; None if the config leaves it open.
        levels: the lowest and the highest level.
        backbone: the config of its backbone.
        pyramid: the config of its decoder; None for `identity`, which takes the backbone's maps.
        norm: of its decoder and heads.
        head: the config of its heads.
        anchors: the boxes of each cell.
        nms: its suppression.
        keeps_aspect: whether images are padded instead of stretched.
        has_ranges: whether it was trained aware of quantization, so that its checkpoint has ranges of the backbone at
            least; its pyramid and its heads say whether it has theirs.
    """

    columns: int
    size: tuple[int, int] | None
    levels: tuple[int, int]
    backbone: Any
    pyramid: PyramidConfig | None
    norm: NormActivation
    head: DenseHead
    anchors: LevelAnchors
    nms: RetinaNms
    keeps_aspect: bool = True
    has_ranges: bool = False

    @property
    def part_without_ranges(self) -> str | None:
        """The key of the first part that was trained in float, if there is one."""
        if not self.has_ranges:
            return "task.quantization"
        if self.pyramid is not None and not self.pyramid.has_ranges:
            return "task.quantization.quantize_detection_decoder"
        return None if self.head.has_ranges else "task.quantization.quantize_detection_head"

    @property
    def classes(self) -> int:
        """The number of classes without the background."""
        return self.columns - 1

    @property
    def resizer(self) -> ImageResizer:
        """The input's size."""
        return ImageResizer(*(self.size or (0, 0)))


def recognizes(model: Mapping[str, Any]) -> bool:
    """Return whether *model* has anchors and one head."""
    return "anchor" in model and "head" in model and "rpn_head" not in model


def read(task: Params) -> RetinaNet:
    """Return the RetinaNet in *task*.

    Raises:
        InputError: it was trained aware of quantization with parts that TF-Vision cannot build so.
    """
    task.ignore("train_data", "export_config")
    model = task.inside("model")
    model.needs("num_classes", "input_size", "min_level", "max_level", "backbone")
    levels, norm = read_levels(model, (3, 7)), read_norm(model)
    ranges = read_quantization(task)
    backbone = read_backbone(model, norm)
    if ranges is not None:
        check_backbone(model, backbone)
    if ranges is not None and ranges.decoder:
        pyramid = read_ranged_pyramid(model, levels, norm.activation)
    else:
        pyramid = read_pyramid(model, levels)
    config = RetinaNet(
        columns=model.integer("num_classes", 91, low=2, high=MOST_CLASSES),
        size=input_size(model),
        levels=levels,
        backbone=backbone,
        pyramid=pyramid,
        norm=norm,
        head=_head(model, has_ranges=ranges is not None and ranges.head),
        anchors=read_anchors(model, size=4.0, scales=3),
        nms=_nms(model),
        keeps_aspect=task.inside("validation_data").inside("parser").flag("keep_aspect_ratio", True),
        has_ranges=ranges is not None,
    )
    model.finish()
    return config


def _head(model: Params, *, has_ranges: bool) -> DenseHead:
    section = model.inside("head")
    section.needs("num_convs", "num_filters", "use_separable_conv")
    section.only("attribute_heads", [], "detlite rebuilds heads for classes and boxes alone")
    section.only("share_classification_heads", False, "detlite rebuilds heads for classes and boxes alone")
    section.only("share_level_convs", True, "detlite rebuilds heads whose convolutions all levels share")
    head = DenseHead(
        section.integer("num_convs", 4, high=64),
        section.integer("num_filters", 256, low=1, high=4096),
        section.flag("use_separable_conv", False),
        has_ranges,
    )
    section.finish()
    if has_ranges and not head.separable:
        raise refused(section, "use_separable_conv", "where quantize_detection_head is true and this is not")
    return head


def _nms(model: Params) -> RetinaNms:
    """Return the suppression that `nms_version` chooses: the server's, or the thresholds of TF-Vision's TFLite export.

    All versions suppress class by class with the same thresholds; they differ in how TensorFlow computes it.
    """
    section = model.inside("detection_generator")
    section.ignore("apply_nms", "decode_boxes", "return_decoded", "use_cpu_nms")
    version = section.choice("nms_version", "v2", NMS_VERSIONS)
    candidates = section.integer("pre_nms_top_k", LEAST_CANDIDATES)
    if candidates < LEAST_CANDIDATES:
        raise InputError(
            f"{section.where('pre_nms_top_k')} is {candidates}: detlite suppresses all boxes over the score threshold; "
            f"want {LEAST_CANDIDATES} or more, or no such key"
        )
    section.only("use_class_agnostic_nms", False, "detlite suppresses the boxes of each class by themselves")
    section.only("soft_nms_sigma", 0.0, "detlite has no soft suppression")
    section.only("box_coder_weights", [], "detlite rebuilds RetinaNets whose boxes are coded without weights")
    served = RetinaNms(
        section.real("pre_nms_score_threshold", 0.05, high=1.0),
        section.real("nms_iou_threshold", 0.5, low=0.001, high=1.0),
        section.integer("max_num_detections", 100, low=1, high=1000),
    )
    of_op = _op_nms(section.inside("tflite_post_processing"))
    section.finish()
    return of_op if version == "tflite" else served


def _op_nms(section: Params) -> RetinaNms:
    """Return the thresholds of TF-Vision's post-processing op; each box is kept once, and not for five classes."""
    section.ignore(
        "detections_per_class", "max_classes_per_detection", "use_regular_nms", "normalize_anchor_coordinates"
    )
    section.only("omit_nms", False, "detlite suppresses boxes")
    for scale in ("y_scale", "x_scale", "h_scale", "w_scale"):
        section.only(scale, 1.0, "detlite rebuilds RetinaNets whose boxes are coded without weights")
    nms = RetinaNms(
        section.real("nms_score_threshold", 0.1, high=1.0),
        section.real("nms_iou_threshold", 0.5, low=0.001, high=1.0),
        section.integer("max_detections", 200, low=1, high=1000),
        clips=False,
    )
    section.finish()
    return nms


PLUGIN = TaskReader(title="RetinaNet detection", recognizes=recognizes, read=read, takes_ranges=True)
