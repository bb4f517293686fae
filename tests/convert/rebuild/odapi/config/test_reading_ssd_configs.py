"""An SSD's pipeline.config as typed values."""

import numpy as np
import pytest
from builders.written_configs import RETINA, SSD

from detlite.convert.rebuild.detector_config import (
    BatchNorm,
    BiFpn,
    BoxScales,
    ConvHyperparams,
    ConvolutionalPredictor,
    Fpn,
    ImageResizer,
    MultiscaleAnchors,
    Pipeline,
    PostProcessing,
    SsdAnchors,
    WeightSharedPredictor,
)
from detlite.convert.rebuild.odapi.config.read import parse_pipeline


def float32(value: float) -> float:
    return float(np.float32(value))


def pipeline(config: str = SSD, old: str = "", new: str = "") -> Pipeline:
    assert old in config
    return parse_pipeline(config.replace(old, new) if old else config, "p.config")


def ssd(config: str = SSD, old: str = "", new: str = ""):
    return pipeline(config, old, new).model


def test_the_classes_are_without_the_background_and_the_columns_with_it():
    assert (ssd().classes, ssd().columns) == (3, 4)


def test_a_network_without_background_has_as_many_columns_as_classes():
    assert ssd(SSD, "num_classes: 3", "num_classes: 3 add_background_class: false").columns == 3


def test_a_fixed_shape_is_height_and_width():
    assert ssd().resizer == ImageResizer(height=96, width=128)


def test_keep_aspect_ratio_is_a_square_of_its_largest_side():
    resizer = "keep_aspect_ratio_resizer { min_dimension: 320 max_dimension: 640 }"
    assert ssd(SSD, "fixed_shape_resizer { height: 96 width: 128 }", resizer).resizer == ImageResizer(
        640, 640, keeps_aspect=True, shortest=320
    )


def test_a_grayscale_resizer_is_known():
    assert ssd(SSD, "width: 128", "width: 128 convert_to_grayscale: true").resizer.grayscale


def test_the_extractor_keeps_the_line_of_its_type():
    assert (ssd().extractor.type, ssd().extractor.line) == ("ssd_mobilenet_v2", 6)


def test_a_batch_norm_has_the_protos_defaults_where_nothing_is_said():
    conv = ssd(SSD, "scale: true decay: 0.9997 epsilon: 0.01", "").extractor.conv
    assert conv == ConvHyperparams("RELU_6", BatchNorm(epsilon=float32(0.001), center=True, scale=False))


def test_a_synchronized_batch_norm_is_a_batch_norm():
    assert ssd(SSD, "batch_norm {", "sync_batch_norm {").extractor.conv == ssd().extractor.conv


def test_convolutions_without_batch_norm_have_none():
    assert ssd().predictor.conv == ConvHyperparams("RELU_6", None)


def test_a_convolutional_predictor_is_read():
    assert ssd().predictor == ConvolutionalPredictor(ConvHyperparams("RELU_6"), kernel_size=3)


def test_a_clip_range_is_read():
    clipped = ssd(SSD, "kernel_size: 3", "kernel_size: 3 box_encodings_clip_range { min: -10 max: 10 }")
    assert clipped.predictor.clip_range == (-10.0, 10.0)


def test_a_weight_shared_predictor_is_read():
    shared = ssd(RETINA, "kernel_size: 3", "num_layers_before_predictor: 4 share_prediction_tower: true").predictor
    assert shared == WeightSharedPredictor(
        ConvHyperparams("RELU_6"), 3, layers=4, depth=64, share_prediction_tower=True, apply_batch_norm=False
    )


def test_a_weight_shared_predictor_with_batch_norm_applies_it():
    shared = ssd(RETINA, "conv_hyperparams { activation: RELU_6 }", "conv_hyperparams { batch_norm { } }").predictor
    assert shared.apply_batch_norm


def test_ssd_anchors_hold_what_the_protos_floats_hold():
    assert ssd().anchors == SsdAnchors(
        min_scale=float32(0.2), max_scale=float32(0.95), aspect_ratios=(1.0, 2.0, float32(0.3333))
    )


def test_aspect_ratios_that_no_one_gives_are_none():
    assert ssd(SSD, "aspect_ratios: [1.0, 2.0, 0.3333]", "").anchors.aspect_ratios == ()


def test_strides_are_whole_pixels():
    strides = "num_layers: 2 height_stride: [16, 32] width_stride: 16 width_stride: 32 aspect_ratios:"
    anchors = ssd(SSD, "aspect_ratios:", strides).anchors
    assert (anchors.height_stride, anchors.width_stride) == ((16, 32), (16, 32))


def test_multiscale_anchors_have_the_protos_defaults():
    assert ssd(RETINA).anchors == MultiscaleAnchors(aspect_ratios=(1.0, 2.0, float32(0.3333)))


def test_a_pyramid_is_read():
    read = ssd(SSD, 'type: "ssd_mobilenet_v2"', 'type: "a" fpn { max_level: 6 additional_layer_depth: 128 }')
    assert read.extractor.fpn == Fpn(3, 6, 128)


def test_a_bidirectional_pyramid_is_read():
    bifpn = 'type: "a" bifpn { num_iterations: 4 num_filters: 88 combine_method: "sum" }'
    assert ssd(SSD, 'type: "ssd_mobilenet_v2"', bifpn).extractor.bifpn == BiFpn(3, 7, 4, 88, "sum")


def test_the_box_coder_has_the_protos_defaults():
    assert ssd().box_scales == BoxScales(10.0, 10.0, 5.0, 5.0)


def test_the_box_coders_height_and_width_are_told_apart():
    coder = "faster_rcnn_box_coder { height_scale: 4 width_scale: 3 x_scale: 2 y_scale: 1 }"
    assert ssd(SSD, "faster_rcnn_box_coder { }", coder).box_scales == BoxScales(1.0, 2.0, 4.0, 3.0)


def test_post_processing_has_the_protos_defaults():
    assert ssd().post_processing == PostProcessing("SIGMOID", 1.0, float32(1e-8), float32(0.6), 100, 100)


def test_scores_of_a_config_without_post_processing_are_the_logits():
    assert ssd(SSD, "score_converter: SIGMOID", "").post_processing.score_converter == "IDENTITY"


@pytest.mark.parametrize(("said", "name"), [("3", "SWISH"), ("0", "NONE"), ("RELU", "RELU"), ('"RELU_6"', "RELU_6")])
def test_an_activation_is_given_by_name_or_number(said, name):
    assert ssd(SSD, "activation: RELU_6", f"activation: {said}").extractor.conv.activation == name


@pytest.mark.parametrize(("said", "value"), [("true", True), ("True", True), ("t", True), ("1", True), ("0", False)])
def test_a_flag_is_written_in_many_ways(said, value):
    assert ssd(SSD, "kernel_size: 3", f"kernel_size: 3 use_depthwise: {said}").predictor.use_depthwise is value


def test_a_whole_number_is_a_float_too():
    assert ssd(SSD, "faster_rcnn_box_coder { }", "faster_rcnn_box_coder { y_scale: 10 }").box_scales.y == 10.0


def test_moving_averages_and_quantization_are_off_where_nothing_is_said():
    assert (pipeline().use_moving_averages, pipeline().quantization_aware) == (False, False)


def test_moving_averages_are_asked_for_in_eval_config():
    assert pipeline(SSD + "eval_config { use_moving_averages: true num_examples: 8000 }").use_moving_averages


def test_a_graph_rewriter_with_quantization_makes_the_training_aware_of_it():
    rewriter = "graph_rewriter { quantization { delay: 48000 weight_bits: 8 activation_bits: 8 } }"
    assert pipeline(SSD + rewriter).quantization_aware


def test_an_empty_graph_rewriter_does_not():
    assert not pipeline(SSD + "graph_rewriter { }").quantization_aware


def test_fields_that_have_been_removed_are_skipped_and_listed():
    old = pipeline(SSD, 'type: "ssd_mobilenet_v2"', 'type: "ssd_mobilenet_v2"\n      batch_norm_trainable: true')
    assert old.skipped == ("batch_norm_trainable, line 7",)


def test_skipped_fields_are_listed_in_the_order_of_the_file():
    read = pipeline("first { a: 1 }\n" + SSD.replace("kernel_size: 3", "second: [1]") + "[a.b.third]: 'x'")
    assert read.skipped == ("first, line 1", "second, line 16", "a.b.third, line 34")


def test_known_fields_of_training_are_not_listed():
    assert pipeline(SSD + "train_config { batch_size: 24 unheard_of: 1 }").skipped == ()


def test_all_ways_of_writing_it_read_the_same():
    other = (
        SSD.replace(" {", ": {").replace('"', "'").replace("SIGMOID", "SIGMOID;").replace("96 width", "96, width")
    ) + "# the end"
    assert ssd(other) == ssd()
