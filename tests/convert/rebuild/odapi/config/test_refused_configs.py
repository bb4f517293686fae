"""What a config asks that detlite does not do, and values that make no sense: one line that names the place."""

import pytest
from builders.written_configs import RETINA, SSD, line_of

from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.runtime.errors import InputError

TYPE = 'type: "ssd_mobilenet_v2"'
NMS = "batch_non_max_suppression {"
FIXED = "fixed_shape_resizer { height: 96 width: 128 }"


def refused(config: str, old: str, new: str) -> str:
    assert old in config
    with pytest.raises(InputError) as caught:
        parse_pipeline(config.replace(old, new, 1), "p.config")
    where, found, rest = str(caught.value).partition(f"p.config, line {line_of(config, old)}: ")
    assert found
    assert not where
    assert "\n" not in rest
    return rest


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("num_classes: 3", "num_classes: 0", "num_classes is 0; want a whole number from 1 to 10000"),
        ("num_classes: 3", "num_classes: -3", "num_classes is -3; want a whole number"),
        ("num_classes: 3", "num_classes: 1e9", "num_classes is 1000000000.0; want a whole number"),
        ("num_classes: 3", "num_classes: 3.0", "num_classes is 3.0; want a whole number"),
        ("num_classes: 3", "num_classes: '3'", "num_classes is '3'; want a whole number"),
        ("num_classes: 3", "num_classes: true", "num_classes is True; want a whole number"),
        ("num_classes: 3", "num_classes { }", "num_classes is a message; want a whole number"),
        ("height: 96", "height: 0", "height is 0; want a whole number from 1 to 8192"),
        ("height: 96", "height: 100000", "height is 100000; want"),
        (TYPE, "type: ''", "type is ''; want a name"),
        (TYPE, "type: 5", "type is 5; want a name"),
        (TYPE, f"{TYPE} depth_multiplier: -1", "depth_multiplier is -1; want a number over 0 up to 16"),
        (TYPE, f"{TYPE} depth_multiplier: nan", "depth_multiplier is nan; want"),
        (TYPE, f"{TYPE} min_depth: 0", "min_depth is 0; want"),
        (TYPE, f"{TYPE} pad_to_multiple: 0", "pad_to_multiple is 0; want"),
        (TYPE, f"{TYPE} num_layers: 0", "num_layers is 0; want a whole number from 1 to 16"),
        (TYPE, f"{TYPE} use_depthwise: maybe", "use_depthwise is 'maybe'; want true or false"),
        (TYPE, f"{TYPE} use_depthwise: 2", "use_depthwise is 2; want true or false"),
        (TYPE, f"{TYPE} fpn: 3", r"fpn is 3; want fpn \{ ... \}"),
        (TYPE, f"{TYPE} fpn {{ min_level: 8 }}", "min_level is 8; want at most max_level, which is 7"),
        (TYPE, f"{TYPE} bifpn {{ num_filters: 64 }}", "bifpn has no num_iterations"),
        (TYPE, f"{TYPE} bifpn {{ num_iterations: 0 }}", "num_iterations is 0; want"),
        ("epsilon: 0.01", "epsilon: nan", "epsilon is nan; want a number over 0 up to 1"),
        ("epsilon: 0.01", "epsilon: 1e-60", "epsilon is 1e-60; want a number over 0"),
        ("epsilon: 0.01", "epsilon: 1e999", "epsilon is inf; want"),
        ("kernel_size: 3", "kernel_size: 0", "kernel_size is 0; want a whole number from 1 to 31"),
        ("kernel_size: 3", "kernel_size: 2", "kernel_size is 2; want an odd number"),
        ("0.3333]", "0.0]", "aspect_ratios is 0.0; want a number over 0"),
        ("0.3333]", "inf]", "aspect_ratios is inf; want"),
        ("0.3333]", " 1," * 63 + "]", "aspect_ratios has 65 values; want at most 64"),
        ("aspect_ratios:", "num_layers: 0 aspect_ratios:", "num_layers is 0; want"),
        ("aspect_ratios:", "num_layers: 1 aspect_ratios:", "num_layers is 1; a single layer cannot span"),
        ("aspect_ratios:", "min_scale: 0 aspect_ratios:", "min_scale is 0; want a number over 0"),
        (
            "aspect_ratios:",
            "height_stride: [8, 16] aspect_ratios:",
            "height_stride is 8; want height_stride and width_stride for each of 6 layers, got 2 and 0",
        ),
        ("faster_rcnn_box_coder { }", "faster_rcnn_box_coder { y_scale: 0 }", "y_scale is 0; want a number over 0"),
        (NMS, f"{NMS} iou_threshold: 1.5", "iou_threshold is 1.5; want a number from 0 up to 1"),
        (NMS, f"{NMS} max_total_detections: 0", "max_total_detections is 0; want"),
        ("num_classes: 3", "num_classes: 3 num_classes: 4", "num_classes is already set on line 3; want it once"),
    ],
)
def test_an_invalid_value_is_reported_with_its_line(old, new, error):
    with pytest.raises(InputError, match=error):
        raise InputError(refused(SSD, old, new))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (FIXED, "identity_resizer { }", r"identity_resizer \{ ... \}; a network on a device has a fixed input size"),
        (FIXED, "conditional_shape_resizer { }", "conditional_shape_resizer"),
        (FIXED, "pad_to_multiple_resizer { }", "pad_to_multiple_resizer"),
        ("width: 128", "width: 128 resize_method: AREA", "resize_method is 'AREA'; detlite supports BILINEAR only"),
        ("num_classes: 3", "num_classes: 3 mask_head_config { }", "detlite exports boxes only"),
        ("num_classes: 3", "num_classes: 3 explicit_background_class: true", "explicit_background_class is True;"),
        ("kernel_size: 3", "kernel_size: 3 box_code_size: 8", "box_code_size is 8; detlite decodes boxes of 4 numbers"),
        (
            "kernel_size: 3",
            "kernel_size: 1 use_depthwise: true",
            "use_depthwise is True; a kernel_size of 1 cannot",
        ),
        ("kernel_size: 3", "apply_sigmoid_to_scores: true", "apply_sigmoid_to_scores is True; detlite converts"),
        ("convolutional_box_predictor", "mask_rcnn_box_predictor", "a second stage"),
        ("convolutional_box_predictor", "rfcn_box_predictor", "a second stage"),
        ("activation: RELU_6", "activation: MISH", "activation is 'MISH'; want one of NONE, RELU, RELU_6, SWISH"),
        ("activation: RELU_6", "activation: 9", "activation is 9; want one of NONE"),
        ("activation: RELU_6", "activation: RELU_6 op: FC", "op is 'FC'; detlite applies"),
        ("batch_norm {", "group_norm {", r"group_norm \{ ... \}; detlite supports batch norm only"),
        (
            TYPE,
            f"{TYPE} replace_preprocessor_with_placeholder: true",
            "normalization of the images would be",
        ),
        (
            TYPE,
            f"{TYPE} bifpn {{ num_iterations: 3 num_filters: 8 combine_method: 'max' }}",
            "one of sum, weighted_sum",
        ),
        (TYPE, f"{TYPE} fpn {{ }} bifpn {{ }}", "bifpn, and fpn on line 6; want one of them in feature_extractor"),
        ("ssd_anchor_generator", "grid_anchor_generator", "detlite supports ssd_anchor_generator"),
        ("ssd_anchor_generator", "flexible_grid_anchor_generator", "detlite supports ssd_anchor_generator"),
        ("faster_rcnn_box_coder", "mean_stddev_box_coder", "detlite supports faster_rcnn_box_coder only"),
        ("faster_rcnn_box_coder", "keypoint_box_coder", "detlite supports faster_rcnn_box_coder only"),
        (NMS, f"{NMS} use_class_agnostic_nms: true", "detlite suppresses boxes per class"),
        (NMS, f"{NMS} soft_nms_sigma: 0.5", "soft_nms_sigma is 0.5; detlite drops overlapping boxes"),
        ("score_converter: SIGMOID", "score_converter: TANH", "want one of IDENTITY, SIGMOID, SOFTMAX"),
        ("score_converter: SIGMOID", "calibration_config { }", "detlite does not calibrate scores"),
    ],
)
def test_an_unsupported_setting_is_refused_with_its_line(old, new, error):
    with pytest.raises(InputError, match=error):
        raise InputError(refused(SSD, old, new))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("kernel_size: 3", "score_converter: SIGMOID", "score_converter is 'SIGMOID'; detlite converts scores once"),
        ("aspect_ratios", "normalize_coordinates: false aspect_ratios", "anchors are fractions of the image"),
        ("aspect_ratios", "min_level: 7 max_level: 6 aspect_ratios", "want at most max_level, which is 6"),
        ("aspect_ratios", "scales_per_octave: 0 aspect_ratios", "scales_per_octave is 0; want"),
        ("depth: 64", "num_layers_before_predictor: 4", "these layers need a depth, but it is 0"),
    ],
)
def test_an_unsupported_setting_of_a_retinanet_is_refused_with_its_line(old, new, error):
    with pytest.raises(InputError, match=error):
        raise InputError(refused(RETINA, old, new))


@pytest.mark.parametrize(
    ("old", "part"),
    [
        ("num_classes: 3", "ssd has no num_classes"),
        (TYPE, "feature_extractor has no type"),
        (f"image_resizer {{ {FIXED} }}", "ssd has no image_resizer"),
        (FIXED, "image_resizer has no fixed_shape_resizer or keep_aspect_ratio_resizer"),
        ("box_coder { faster_rcnn_box_coder { } }", "ssd has no box_coder"),
        ("faster_rcnn_box_coder { }", "box_coder has no faster_rcnn_box_coder"),
    ],
)
def test_a_part_that_is_missing_is_named(old, part):
    with pytest.raises(InputError, match=rf"^p.config, line \d+: {part}$"):
        parse_pipeline(SSD.replace(old, ""), "p.config")


def test_a_default_that_does_not_fit_is_named_as_one():
    with pytest.raises(InputError, match="line 21: num_layers is 6 by default; want one scale for each layer, got 2"):
        parse_pipeline(SSD.replace("aspect_ratios:", "scales: [0.1, 0.2] aspect_ratios:"), "p.config")


@pytest.mark.parametrize("bits", ["weight_bits", "activation_bits"])
def test_a_quantization_of_other_than_8_bits_is_refused(bits):
    with pytest.raises(InputError, match=f"line 33: {bits} is 4; detlite supports integer models of 8 bits only"):
        parse_pipeline(f"{SSD}graph_rewriter {{ quantization {{ {bits}: 4 }} }}", "p.config")
