"""A CenterNet's pipeline.config as typed values."""

import pytest
from builders.written_configs import CENTER_NET, line_of

from detlite.convert.rebuild.center_net_config import CenterNet, EmbeddedMasks, KeypointTask
from detlite.convert.rebuild.detector_config import ImageResizer
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.runtime.errors import InputError

TYPE = 'type: "resnet_v1_50_fpn"'
MOST = "max_box_predictions: 20"
TASK = "task_loss_weight: 1.0"
KEYPOINTS = "keypoint_estimation_task { task_name: 'pose' keypoint_class_name: 'person' }"


def center_net(old: str = "", new: str = "") -> CenterNet:
    model = parse_pipeline(CENTER_NET.replace(old, new) if old else CENTER_NET, "p.config").model
    assert isinstance(model, CenterNet)
    return model


def test_every_absent_field_has_the_original_default():
    assert center_net() == CenterNet(
        classes=3,
        type="resnet_v1_50_fpn",
        resizer=ImageResizer(256, 256, keeps_aspect=True, shortest=128, pads=True),
        max_box_predictions=20,
        center_head_filters=(256,),
        center_head_kernels=(3,),
        box_head_filters=(256,),
        box_head_kernels=(3,),
        line=5,
    )


def test_preprocessing_is_read_channel_by_channel():
    read = center_net(TYPE, f"{TYPE} channel_means: [104, 117, 124] channel_stds: [1, 2, 3] bgr_ordering: true")
    assert (read.means, read.stds, read.bgr) == ((104.0, 117.0, 124.0), (1.0, 2.0, 3.0), True)


def test_a_heads_layers_are_read():
    read = center_net(MOST, "center_head_params { num_filters: [64, 32] kernel_sizes: [5, 3] }")
    assert (read.center_head_filters, read.center_head_kernels) == ((64, 32), (5, 3))


@pytest.mark.parametrize(
    ("extractor", "separable"),
    [
        ("type: 'mobilenet_v2_fpn' use_separable_conv: true", True),
        ("type: 'mobilenet_v2_fpn_sep_conv' use_separable_conv: false", True),
        ("type: 'mobilenet_v2_fpn_sep_conv'", False),
    ],
)
def test_the_old_types_name_makes_convolutions_separable_only_where_the_field_is_set(extractor, separable):
    assert center_net(TYPE, extractor).use_separable_conv is separable


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("num_classes: 3", "num_classes: 3 keypoint_estimation_task { }", "has no task_name"),
        (
            "num_classes: 3",
            f"num_classes: 3 {KEYPOINTS} {KEYPOINTS}",
            "the config has 2 of them; detlite exports one task of keypoints",
        ),
        *(
            ("num_classes: 3", f"num_classes: 3 {KEYPOINTS.replace('}', f'{more} }}')}", error)
            for more, error in (
                ("rescore_instances: true", "rescore_instances is True; detlite returns the places and scores"),
                ("predict_depth: true", "predict_depth is True; detlite returns the places and scores"),
                ("peak_max_pool_kernel_size: 5", "detlite finds peaks in windows of 3 x 3 cells"),
                ("candidate_ranking_mode: 'gaussian_weighted'", "detlite ranks by min_distance, score_distance_ratio"),
                ("heatmap_head_params { num_filters: 8 }", "want as many kernel_sizes as num_filters, got 0 and 1"),
            )
        ),
        ("num_classes: 3", "num_classes: 3 mask_estimation_task { }", "detlite exports only the boxes"),
        *(
            ("num_classes: 3", f"num_classes: 3 deepmac_mask_estimation {{ {field} }}", error)
            for field, error in (
                ("network_type: 'cond_inst1'", "detlite builds hourglass10, hourglass20"),
                ("use_xy: false", "detlite builds mask networks with coordinates"),
                ("predict_full_resolution_masks: true", "detlite builds masks of each box's own size"),
                (f"dim: 8 }} {KEYPOINTS} unknown {{", "detlite exports keypoints or masks of a CenterNet"),
            )
        ),
        (
            "num_classes: 3",
            "num_classes: 3 post_processing { }",
            "uses the peaks of a CenterNet without",
        ),
        (TYPE, f"{TYPE} channel_stds: [1, 0, 1]", "channel_stds is 0; want a number over 0"),
        (TYPE, f"{TYPE} channel_means: [1, 0]", "channel_means is 1; want 3 numbers, one for each channel, got 2"),
        (TYPE, f"{TYPE} upsampling_interpolation: 'cubic'", "want one of nearest, bilinear"),
        (MOST, f"{MOST} peak_max_pool_kernel_size: 5", "detlite finds peaks in windows of 3 x 3 cells"),
        (MOST, "center_head_params { num_filters: 8 }", "want as many kernel_sizes as num_filters, got 0 and 1"),
        (
            TASK,
            "offset_head_params { num_filters: 8 kernel_sizes: 3 }",
            "only equal layers in the scale",
        ),
        ("min_dimension: 128", "min_dimension: 512", "min_dimension is 512; want at most max_dimension, which is 256"),
    ],
)
def test_what_detlite_does_not_do_with_a_center_net_is_refused_with_its_line(old, new, error):
    with pytest.raises(InputError, match=f"^p.config, line {line_of(CENTER_NET, old)}: .*{error}"):
        center_net(old, new)


def test_a_task_of_keypoints_has_the_originals_defaults():
    read = center_net("num_classes: 3", f"num_classes: 3 keypoint_label_map_path: 'm.pbtxt' {KEYPOINTS}").keypoints
    assert isinstance(read, KeypointTask)
    assert (read.name, read.class_name, read.label_map, read.line) == ("pose", "person", "m.pbtxt", 3)
    assert (read.ranking, read.candidates, read.per_keypoint_offset, read.clips) == ("min_distance", 100, False, False)
    assert (read.candidate_threshold, read.unmatched_score, read.box_scale, read.search_scale) == pytest.approx(
        (0.1, 0.1, 1.2, 0.3)
    )


def test_a_task_of_masks_has_the_originals_defaults():
    read = center_net("num_classes: 3", "num_classes: 3 deepmac_mask_estimation { }").masks
    assert read == EmbeddedMasks(depth=52, instance=256, pixel=16, size=32, width=64, line=3)


def test_lines_between_keypoints_are_those_of_the_evaluation():
    text = f"{CENTER_NET} eval_config {{ keypoint_edge {{ start: 0 end: 2 }} keypoint_edge {{ start: 1 end: 2 }} }}"
    assert parse_pipeline(text, "p.config").keypoint_edges == ((0, 2), (1, 2))


def test_a_center_net_without_boxes_is_refused():
    with pytest.raises(InputError, match="line 2: center_net has no object_detection_task"):
        center_net("object_detection_task", "object_detection_tusk")
