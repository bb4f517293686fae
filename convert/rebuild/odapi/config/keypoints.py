"""Reader of the `keypoint_estimation_task` of a CenterNet."""

from __future__ import annotations

from detlite.convert.files.fields import Fields
from detlite.convert.rebuild.center_net_config import HeadLayers, KeypointTask
from detlite.runtime.boxes.keypoints import RANKINGS

PEAK_KERNEL = 3
MAX_CHANNELS = 8192
LARGEST_KERNEL = 31
MOST_CANDIDATES = 10_000
LARGEST_SCALE = 1e6
TASK = "keypoint_estimation_task"
TRAINING = (
    "task_loss_weight",
    "loss",
    "keypoint_label_to_std",
    "keypoint_regression_loss_weight",
    "keypoint_heatmap_loss_weight",
    "keypoint_offset_loss_weight",
    "keypoint_depth_loss_weight",
    "heatmap_bias_init",
    "offset_peak_radius",
    "per_keypoint_depth",
    "rescoring_threshold",
    "std_dev_multiplier",
    "gaussian_denom_ratio",
)
"""Fields of the training, and settings of fields that are refused."""


def read_keypoint_task(model: Fields) -> KeypointTask | None:
    """Return the only task of keypoints of the `CenterNet` message *model*; None if it has none.

    Raises:
        InputError: there are several, or one asks for what detlite does not do.
    """
    tasks = model.each(TASK)
    label_map = model.text("keypoint_label_map_path", "")
    if len(tasks) > 1:
        raise model.unsupported(TASK, f"the config has {len(tasks)} of them; detlite exports one task of keypoints")
    return _task(tasks[0], label_map, model.line_of(TASK)) if tasks else None


def _task(fields: Fields, label_map: str, line: int) -> KeypointTask:
    fields.ignore(*TRAINING)
    for flag in ("predict_depth", "rescore_instances", "argmax_postprocessing"):
        if fields.flag(flag, False):
            raise fields.unsupported(flag, "detlite returns the places and scores of keypoints, as found by peaks")
    if fields.integer("peak_max_pool_kernel_size", PEAK_KERNEL) != PEAK_KERNEL:
        raise fields.unsupported(
            "peak_max_pool_kernel_size", f"detlite finds peaks in windows of {PEAK_KERNEL} x {PEAK_KERNEL} cells"
        )
    ranking = fields.text("candidate_ranking_mode", RANKINGS[0])
    if ranking not in RANKINGS:
        raise fields.unsupported("candidate_ranking_mode", f"detlite ranks by {', '.join(RANKINGS)}")
    read = KeypointTask(
        name=fields.text("task_name"),
        class_name=fields.text("keypoint_class_name"),
        label_map=label_map,
        candidate_threshold=fields.real("keypoint_candidate_score_threshold", 0.1, low=0.0, high=1.0),
        candidates=fields.integer("num_candidates_per_keypoint", 100, low=1, high=MOST_CANDIDATES),
        unmatched_score=fields.real("unmatched_keypoint_score", 0.1, low=0.0, high=1.0),
        box_scale=fields.real("box_scale", 1.2, low=0.0, high=LARGEST_SCALE),
        search_scale=fields.real("candidate_search_scale", 0.3, low=0.0, high=LARGEST_SCALE),
        ranking=ranking,
        distance_offset=fields.real("score_distance_offset", 1.0, low=0.0, high=LARGEST_SCALE),
        distance_multiplier=fields.real("score_distance_multiplier", 0.1, low=0.0, high=LARGEST_SCALE),
        clips=fields.flag("clip_out_of_frame_keypoints", False),
        per_keypoint_offset=fields.flag("per_keypoint_offset", False),
        heatmap=read_layers(fields, "heatmap_head_params"),
        regression=read_layers(fields, "regress_head_params"),
        offset=read_layers(fields, "offset_head_params"),
        line=line,
    )
    fields.finish()
    return read


def read_layers(fields: Fields, name: str) -> HeadLayers:
    """Return the layers that the `PredictionHeadParams` message *name* describes.

    Raises:
        InputError: it has not as many kernels as filters.
    """
    head = fields.inside(name)
    filters = head.integers("num_filters", low=1, high=MAX_CHANNELS)
    kernels = head.integers("kernel_sizes", low=1, high=LARGEST_KERNEL)
    head.finish()
    if len(filters) != len(kernels):
        raise fields.unsupported(
            name, f"want as many kernel_sizes as num_filters, got {len(kernels)} and {len(filters)}"
        )
    return HeadLayers(filters, kernels) if fields.has(name) else HeadLayers()
