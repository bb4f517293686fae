"""Reader of the `model { ssd }` message."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.labels.numbered import MAX_CLASSES
from detlite.convert.rebuild.detector_config import BoxScales, PostProcessing, Ssd
from detlite.convert.rebuild.odapi.config.anchors import read_anchors
from detlite.convert.rebuild.odapi.config.extractor import read_extractor
from detlite.convert.rebuild.odapi.config.predictors import read_predictor
from detlite.convert.rebuild.odapi.config.resizer import read_resizer

SCORE_CONVERTERS = {"IDENTITY": 0, "SIGMOID": 1, "SOFTMAX": 2}
TRAINING = (
    "matcher",
    "similarity_calculator",
    "encode_background_as_zeros",
    "negative_class_weight",
    "normalize_loss_by_num_matches",
    "normalize_loc_loss_by_codesize",
    "loss",
    "freeze_batchnorm",
    "inplace_batchnorm_update",
    "use_confidences_as_targets",
    "implicit_example_weight",
    "return_raw_detections_during_predict",  # an additional output for the OD API's own evaluation
)
NMS_IMPLEMENTATION = (
    "use_static_shapes",
    "use_partitioned_nms",
    "use_combined_nms",
    "use_hard_nms",
    "use_cpu_nms",
    "change_coordinate_frame",  # to that of the image, which is the whole input if its size is fixed
    "max_classes_per_detection",  # class-agnostic suppression only
)


def read_ssd(fields: Fields) -> Ssd:
    """Return the config of an `Ssd` message.

    Raises:
        InputError: a part is missing or unsupported, or a value is invalid.
    """
    fields.ignore(*TRAINING)
    fields.refuse("mask_head_config", because="detlite exports boxes only")
    if fields.flag("explicit_background_class", False):
        raise fields.unsupported(
            "explicit_background_class", "detlite supports a background added by add_background_class only"
        )
    read = Ssd(
        classes=fields.integer("num_classes", low=1, high=MAX_CLASSES),
        extractor=read_extractor(_part(fields, "feature_extractor")),
        predictor=read_predictor(_part(fields, "box_predictor")),
        anchors=read_anchors(_part(fields, "anchor_generator")),
        resizer=read_resizer(_part(fields, "image_resizer")),
        box_scales=_box_scales(_part(fields, "box_coder")),
        post_processing=read_post_processing(fields.inside("post_processing")),
        add_background_class=fields.flag("add_background_class", True),
    )
    fields.finish()
    return read


def _part(fields: Fields, name: str) -> Fields:
    if not fields.has(name):
        raise fields.missing(name)
    return fields.inside(name)


def _box_scales(fields: Fields) -> BoxScales:
    fields.refuse(
        "mean_stddev_box_coder",
        "square_box_coder",
        "keypoint_box_coder",
        because="detlite supports faster_rcnn_box_coder only",
    )
    coder = _part(fields, "faster_rcnn_box_coder")
    read = BoxScales(
        y=coder.positive("y_scale", 10.0),
        x=coder.positive("x_scale", 10.0),
        height=coder.positive("height_scale", 5.0),
        width=coder.positive("width_scale", 5.0),
    )
    coder.finish()
    fields.finish()
    return read


def read_post_processing(fields: Fields) -> PostProcessing:
    """Return the config of a `PostProcessing` message.

    Raises:
        InputError: a part is unsupported, or a value is invalid.
    """
    fields.refuse("calibration_config", because="detlite does not calibrate scores")
    nms = fields.inside("batch_non_max_suppression")
    nms.ignore(*NMS_IMPLEMENTATION)
    if nms.flag("use_class_agnostic_nms", False):
        raise nms.unsupported("use_class_agnostic_nms", "detlite suppresses boxes per class")
    if nms.real("soft_nms_sigma", 0.0, low=0.0):
        raise nms.unsupported("soft_nms_sigma", "detlite drops overlapping boxes instead of lowering their scores")
    read = PostProcessing(
        score_converter=fields.choice("score_converter", "IDENTITY", SCORE_CONVERTERS),
        logit_scale=fields.positive("logit_scale", 1.0),
        score_threshold=nms.real("score_threshold", 0.0),
        iou_threshold=nms.real("iou_threshold", 0.6, low=0.0, high=1.0),
        max_detections_per_class=nms.integer("max_detections_per_class", 100, low=1),
        max_total_detections=nms.integer("max_total_detections", 100, low=1),
    )
    nms.finish()
    fields.finish()
    return read
