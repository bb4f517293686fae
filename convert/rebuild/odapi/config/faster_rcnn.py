"""Reader of the `model { faster_rcnn }` message."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.files.fields import Fields
from detlite.convert.labels.numbered import MAX_CLASSES
from detlite.convert.rebuild.detector_config import ConvHyperparams, ImageResizer
from detlite.convert.rebuild.faster_rcnn_config import FasterRcnn, FirstStage, GridAnchors, MaskHead, PositionSensitive
from detlite.convert.rebuild.odapi.config.attention import CONTEXT, read_attention
from detlite.convert.rebuild.odapi.config.hyperparams import read_conv
from detlite.convert.rebuild.odapi.config.resizer import read_resizer
from detlite.convert.rebuild.odapi.config.ssd import read_post_processing

BOXES, MASKS = 2, 3
"""Numbers of stages: a detector finds boxes, or boxes and their masks."""

GRID = "grid_anchor_generator"
PREDICTOR, RFCN = "mask_rcnn_box_predictor", "rfcn_box_predictor"
LARGEST_BINS = 16
MAX_PROPOSALS = 10_000
LARGEST_STRIDE = 128
LARGEST_KERNEL = 31
MAX_CHANNELS = 8192
LARGEST_CROP = 64
LARGEST_MASK = 256
MOST_LAYERS = 64
TRAINING = (
    "inplace_batchnorm_update",
    "first_stage_minibatch_size",
    "first_stage_positive_balance_fraction",
    "first_stage_localization_loss_weight",
    "first_stage_objectness_loss_weight",
    "hard_example_miner",
    "second_stage_batch_size",
    "second_stage_balance_fraction",
    "second_stage_localization_loss_weight",
    "second_stage_classification_loss_weight",
    "second_stage_classification_loss",
    "second_stage_mask_prediction_loss_weight",
    "use_static_balanced_label_sampler",
    "freeze_batchnorm",
)
WITHOUT_EFFECT = (
    "use_matmul_crop_and_resize",  # the same numbers by other operators
    "use_matmul_gather_in_matcher",
    "clip_anchors_to_image",  # training: without it they are always clipped
    "use_static_shapes",
    "use_static_shapes_for_eval",
    "use_partitioned_nms_in_first_stage",
    "use_combined_nms_in_first_stage",
    "resize_masks",
    "return_raw_detections_during_predict",  # additional outputs
    "output_final_box_features",
    "output_final_box_rpn_features",
)


def read_faster_rcnn(fields: Fields) -> FasterRcnn:
    """Return the config of a `FasterRcnn` message.

    Raises:
        InputError: a part is missing or unsupported, or a value is invalid.
    """
    fields.ignore(*TRAINING, *WITHOUT_EFFECT)
    attention = read_attention(fields)
    stages = fields.integer("number_of_stages", BOXES)
    if stages not in (BOXES, MASKS):
        raise fields.unsupported(
            "number_of_stages",
            f"detlite builds detectors of {BOXES} stages, proposals and boxes, or {MASKS}, with masks",
        )
    extractor = _part(fields, "feature_extractor")
    extractor.ignore("batch_norm_trainable", "conv_hyperparams", "override_base_feature_extractor_hyperparams")
    extractor.refuse("fpn", because="detlite does not build a Faster R-CNN with a feature pyramid")
    if extractor.integer("pad_to_multiple", 1, low=1) != 1:
        raise extractor.unsupported("pad_to_multiple", "detlite builds backbones without padding")
    predictor = _part(fields, "second_stage_box_predictor")
    position_sensitive = _position_sensitive(predictor)
    crop = _unused if position_sensitive else _needed
    classes = fields.integer("num_classes", low=1, high=MAX_CLASSES)
    share_box, masks = (False, None) if position_sensitive else _boxes_and_masks(predictor.inside(PREDICTOR))
    if stages == MASKS and masks is None:
        raise fields.unsupported(
            "number_of_stages", f"{MASKS} are for masks: want {PREDICTOR} {{ predict_instance_masks: true }}"
        )
    if attention is not None and (position_sensitive is not None or stages == MASKS):
        raise fields.unsupported(CONTEXT, f"detlite builds Context R-CNN with {PREDICTOR} and {BOXES} stages")
    read = FasterRcnn(
        classes=classes,
        type=extractor.text("type"),
        line=extractor.line_of("type"),
        resizer=_landscape(read_resizer(_part(fields, "image_resizer"))),
        stride=extractor.integer("first_stage_features_stride", 16, low=1, high=LARGEST_STRIDE),
        first_stage=_first_stage(fields),
        crop_size=crop(fields, "initial_crop_size", 2),
        pool_kernel=crop(fields, "maxpool_kernel_size", 1),
        pool_stride=crop(fields, "maxpool_stride", 1),
        share_box=share_box,
        position_sensitive=position_sensitive,
        masks=masks if stages == MASKS else None,
        attention=attention,
        post_processing=read_post_processing(fields.inside("second_stage_post_processing")),
    )
    if read.pool_kernel > read.crop_size:
        raise fields.unsupported("maxpool_kernel_size", f"want at most initial_crop_size, which is {read.crop_size}")
    extractor.finish()
    fields.finish()
    return read


def _landscape(resizer: ImageResizer) -> ImageResizer:
    """Return *resizer* with the size that leaves landscape images at the scale of the original."""
    if not resizer.keeps_aspect or resizer.pads:
        return resizer
    return replace(resizer, height=resizer.shortest)


def _part(fields: Fields, name: str) -> Fields:
    if not fields.has(name):
        raise fields.missing(name)
    return fields.inside(name)


def _first_stage(fields: Fields) -> FirstStage:
    name = "first_stage_box_predictor_conv_hyperparams"
    return FirstStage(
        anchors=_anchors(_part(fields, "first_stage_anchor_generator")),
        conv=read_conv(fields.inside(name)) if fields.has(name) else ConvHyperparams(),
        atrous_rate=fields.integer("first_stage_atrous_rate", 1, low=1, high=LARGEST_KERNEL),
        kernel_size=fields.integer("first_stage_box_predictor_kernel_size", 3, low=1, high=LARGEST_KERNEL),
        depth=fields.integer("first_stage_box_predictor_depth", 512, low=1, high=MAX_CHANNELS),
        score_threshold=fields.real("first_stage_nms_score_threshold", 0.0, low=0.0, high=1.0),
        iou_threshold=fields.real("first_stage_nms_iou_threshold", 0.7, low=0.0, high=1.0),
        max_proposals=fields.integer("first_stage_max_proposals", 300, low=1, high=MAX_PROPOSALS),
    )


def _anchors(fields: Fields) -> GridAnchors:
    others = ("ssd_anchor_generator", "multiscale_anchor_generator", "flexible_grid_anchor_generator")
    fields.refuse(*others, because=f"detlite supports {GRID} for the first stage")
    grid = _part(fields, GRID)
    known = GridAnchors()
    read = GridAnchors(
        height=grid.positive("height", known.height),
        width=grid.positive("width", known.width),
        height_stride=grid.integer("height_stride", known.height_stride, low=1, high=LARGEST_STRIDE),
        width_stride=grid.integer("width_stride", known.width_stride, low=1, high=LARGEST_STRIDE),
        height_offset=grid.integer("height_offset", 0),
        width_offset=grid.integer("width_offset", 0),
        scales=grid.positives("scales") or known.scales,
        aspect_ratios=grid.positives("aspect_ratios") or known.aspect_ratios,
    )
    grid.finish()
    fields.finish()
    return read


def _needed(fields: Fields, name: str, low: int) -> int:
    return fields.integer(name, low=low, high=LARGEST_CROP)


def _unused(fields: Fields, name: str, low: int) -> int:
    fields.ignore(name)
    return low


def _position_sensitive(fields: Fields) -> PositionSensitive | None:
    kind = fields.one_of(PREDICTOR, RFCN)
    fields.finish()
    if kind is None:
        raise fields.missing(f"{PREDICTOR} or {RFCN}")
    if kind == PREDICTOR:
        return None
    predictor, known = fields.inside(RFCN), PositionSensitive()
    predictor.ignore("conv_hyperparams", "box_code_size")
    bins = tuple(
        predictor.integer(f"num_spatial_bins_{side}", size, low=1, high=LARGEST_BINS)
        for side, size in zip(("height", "width"), known.bins, strict=True)
    )
    crop = tuple(
        predictor.integer(f"crop_{side}", size, low=1, high=LARGEST_CROP)
        for side, size in zip(("height", "width"), known.crop, strict=True)
    )
    depth = predictor.integer("depth", known.depth, low=1, high=MAX_CHANNELS)
    predictor.finish()
    for side, count, size in zip(("height", "width"), bins, crop, strict=True):
        if size % count:
            raise predictor.unsupported(f"crop_{side}", f"want a multiple of num_spatial_bins_{side}, which is {count}")
    return PositionSensitive((bins[0], bins[1]), (crop[0], crop[1]), depth)


def _boxes_and_masks(predictor: Fields) -> tuple[bool, MaskHead | None]:
    """Return whether all classes share a box, and the mask head, if there is one."""
    predictor.ignore("fc_hyperparams", "use_dropout", "dropout_keep_probability", "box_code_size")
    predictor.ignore("predict_keypoints")
    shares, known = predictor.flag("share_box_across_classes", False), MaskHead()
    has_masks = predictor.flag("predict_instance_masks", False)
    head = MaskHead(
        height=predictor.integer("mask_height", known.height, low=1, high=LARGEST_MASK),
        width=predictor.integer("mask_width", known.width, low=1, high=LARGEST_MASK),
        layers=predictor.integer("mask_prediction_num_conv_layers", known.layers, low=1, high=MOST_LAYERS),
        depth=predictor.integer("mask_prediction_conv_depth", known.depth, low=0, high=MAX_CHANNELS),
        class_agnostic=predictor.flag("masks_are_class_agnostic", known.class_agnostic),
        upsamples_last=predictor.flag("convolve_then_upsample_masks", known.upsamples_last),
        conv=_mask_conv(predictor) if has_masks else known.conv,
    )
    predictor.ignore("conv_hyperparams")  # of masks, and there are none
    predictor.finish()
    return shares, head if has_masks else None


def _mask_conv(predictor: Fields) -> ConvHyperparams:
    name = "conv_hyperparams"
    return read_conv(predictor.inside(name)) if predictor.has(name) else ConvHyperparams()
