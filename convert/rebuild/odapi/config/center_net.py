"""Reader of the `model { center_net }` message."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.labels.numbered import MAX_CLASSES
from detlite.convert.rebuild.center_net_config import CenterNet, HeadLayers
from detlite.convert.rebuild.odapi.config.deepmac import read_embedded_masks
from detlite.convert.rebuild.odapi.config.keypoints import read_keypoint_task, read_layers
from detlite.convert.rebuild.odapi.config.resizer import read_resizer

CHANNELS = 3
PEAK_KERNEL = 3
MAX_MULTIPLIER = 16.0
SEPARABLE_TYPE = "mobilenet_v2_fpn_sep_conv"
INTERPOLATIONS = {"nearest": 0, "bilinear": 1}
WITHOUT_EFFECT = (
    "compute_heatmap_sparse",  # training only
    "output_prediction_dict",  # additional outputs
)
OTHER_TASKS = (
    "mask_estimation_task",
    "densepose_estimation_task",
    "track_estimation_task",
    "temporal_offset_task",
)
TRAINING_OF_CENTERS = (
    "object_center_loss_weight",
    "classification_loss",
    "heatmap_bias_init",
    "min_box_overlap_iou",
    "use_labeled_classes",
    "keypoint_weights_for_center",
)
TRAINING_OF_BOXES = ("task_loss_weight", "offset_loss_weight", "scale_loss_weight", "localization_loss")


def read_center_net(fields: Fields) -> CenterNet:
    """Return the config of a `CenterNet` message.

    Raises:
        InputError: a part is missing or unsupported, or a value is invalid.
    """
    fields.ignore(*WITHOUT_EFFECT)
    fields.refuse(*OTHER_TASKS, because="detlite exports only the boxes, keypoints and DeepMAC's masks of a CenterNet")
    fields.refuse("post_processing", because="detlite uses the peaks of a CenterNet without further suppression")
    for part in ("feature_extractor", "image_resizer", "object_detection_task"):
        if not fields.has(part):
            raise fields.missing(part)
    extractor = fields.inside("feature_extractor")
    extractor.ignore("use_depthwise")  # no extractor of the OD API 2.8 reads it
    most, center = _centers(fields.inside("object_center_params"))
    keypoints, masks = read_keypoint_task(fields), read_embedded_masks(fields)
    if keypoints is not None and masks is not None:
        raise fields.unsupported("deepmac_mask_estimation", "detlite exports keypoints or masks of a CenterNet")
    boxes = _box_heads(fields.inside("object_detection_task"))
    read = CenterNet(
        classes=fields.integer("num_classes", low=1, high=MAX_CLASSES),
        type=extractor.text("type"),
        resizer=read_resizer(fields.inside("image_resizer")),
        means=_channels(extractor, "channel_means", 0.0),
        stds=_channels(extractor, "channel_stds", 1.0),
        bgr=extractor.flag("bgr_ordering", False),
        depth_multiplier=extractor.positive("depth_multiplier", 1.0, high=MAX_MULTIPLIER),
        use_depthwise=fields.flag("use_depthwise", False),
        use_separable_conv=_separable(extractor),
        upsampling_interpolation=extractor.choice("upsampling_interpolation", "nearest", INTERPOLATIONS),
        max_box_predictions=most,
        center_head_filters=center.filters,
        center_head_kernels=center.kernels,
        box_head_filters=boxes.filters,
        box_head_kernels=boxes.kernels,
        keypoints=keypoints,
        masks=masks,
        line=extractor.line_of("type"),
    )
    extractor.finish()
    fields.finish()
    return read


def _separable(extractor: Fields) -> bool:
    """Return whether convolutions are separable; as in the OD API, the old type counts only if the field is set."""
    flag = extractor.flag("use_separable_conv", False)
    old_type = extractor.text("type") == SEPARABLE_TYPE
    return extractor.has("use_separable_conv") and (flag or old_type)


def _channels(extractor: Fields, name: str, default: float) -> tuple[float, ...]:
    values = extractor.positives(name) if name == "channel_stds" else extractor.reals(name)
    if len(values) not in (0, CHANNELS):
        raise extractor.unsupported(name, f"want {CHANNELS} numbers, one for each channel, got {len(values)}")
    return values or (default,) * CHANNELS


def _centers(fields: Fields) -> tuple[int, HeadLayers]:
    """Return the maximum number of boxes, and the layers of the centre head."""
    fields.ignore(*TRAINING_OF_CENTERS)
    if fields.integer("peak_max_pool_kernel_size", PEAK_KERNEL) != PEAK_KERNEL:
        raise fields.unsupported(
            "peak_max_pool_kernel_size", f"detlite finds peaks in windows of {PEAK_KERNEL} x {PEAK_KERNEL} cells"
        )
    read = fields.integer("max_box_predictions", 100, low=1), read_layers(fields, "center_head_params")
    fields.finish()
    return read


def _box_heads(fields: Fields) -> HeadLayers:
    fields.ignore(*TRAINING_OF_BOXES)
    scale, offset = read_layers(fields, "scale_head_params"), read_layers(fields, "offset_head_params")
    if scale != offset:
        name = "offset_head_params" if fields.has("offset_head_params") else "scale_head_params"
        raise fields.unsupported(name, "detlite supports only equal layers in the scale and offset heads")
    fields.finish()
    return scale
