"""Reader of the `deepmac_mask_estimation` of a CenterNet."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.center_net_config import EmbeddedMasks

TASK = "deepmac_mask_estimation"
NETWORKS = {f"hourglass{depth}": depth for depth in (10, 20, 32, 52, 100)}
LARGEST_MASK = 256
MOST_CHANNELS = 2048
TRAINING = (
    "classification_loss",
    "task_loss_weight",
    "allowed_masked_classes_ids",
    "mask_num_subsamples",
    "max_roi_jitter_ratio",
    "jitter_mode",
    "box_consistency_loss_weight",
    "box_consistency_loss_normalize",
    "box_consistency_tightness",
    "box_consistency_warmup_steps",
    "box_consistency_warmup_start",
    "color_consistency_threshold",
    "color_consistency_dilation",
    "color_consistency_loss_weight",
    "color_consistency_warmup_steps",
    "color_consistency_warmup_start",
    "augmented_self_supervision_loss_weight",
    "loss_num_start_steps",
    "use_only_last_stage",
    "predict_full_resolution_masks_during_eval",
    "postprocess_crop_size",
    "ignore_per_class_box_overlap",
    "feature_consistency_threshold",
    "feature_consistency_dilation",
    "feature_consistency_loss_weight",
    "feature_consistency_warmup_steps",
    "feature_consistency_warmup_start",
    "feature_consistency_comparison",
    "feature_consistency_type",
)
"""Fields of the training, and of masks of the whole image, which are refused by their flag."""


def read_embedded_masks(model: Fields) -> EmbeddedMasks | None:
    """Return the task of masks of the `CenterNet` message *model*; None if it has none.

    Raises:
        InputError: it asks for what detlite does not do.
    """
    if not model.has(TASK):
        return None
    fields = model.inside(TASK)
    fields.ignore(*TRAINING)
    if fields.flag("predict_full_resolution_masks", False):
        raise fields.unsupported("predict_full_resolution_masks", "detlite builds masks of each box's own size")
    for flag in ("use_xy", "use_instance_embedding"):
        if not fields.flag(flag, True):
            raise fields.unsupported(flag, "detlite builds mask networks with coordinates and instance embeddings")
    network = fields.text("network_type", "hourglass52")
    if network not in NETWORKS:
        raise fields.unsupported("network_type", f"detlite builds {', '.join(NETWORKS)}")
    read = EmbeddedMasks(
        depth=NETWORKS[network],
        instance=fields.integer("dim", 256, low=1, high=MOST_CHANNELS),
        pixel=fields.integer("pixel_embedding_dim", 16, low=1, high=MOST_CHANNELS),
        size=fields.integer("mask_size", 32, low=1, high=LARGEST_MASK),
        width=fields.integer("num_init_channels", 64, low=1, high=MOST_CHANNELS),
        line=model.line_of(TASK),
    )
    fields.finish()
    return read
