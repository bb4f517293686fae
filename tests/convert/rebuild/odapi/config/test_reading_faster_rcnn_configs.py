"""The reader of `model { faster_rcnn }`: what it reads, and what it refuses by its line."""

import pytest

from detlite.convert.rebuild.detector_config import ConvHyperparams
from detlite.convert.rebuild.faster_rcnn_config import Attention, FasterRcnn, MaskHead, PositionSensitive
from detlite.convert.rebuild.odapi.config.read import parse_pipeline
from detlite.runtime.errors import InputError

PREDICTOR = "second_stage_box_predictor { mask_rcnn_box_predictor { } }"
CONFIG = f"""model {{ faster_rcnn {{
num_classes: 3
image_resizer {{ keep_aspect_ratio_resizer {{ min_dimension: 600 max_dimension: 1024 }} }}
feature_extractor {{ type: "faster_rcnn_resnet50" first_stage_features_stride: 8 }}
first_stage_anchor_generator {{ grid_anchor_generator {{ scales: [0.5, 1] aspect_ratios: 2 height_stride: 8 }} }}
first_stage_max_proposals: 20
initial_crop_size: 14
maxpool_kernel_size: 2
maxpool_stride: 2
{PREDICTOR}
}} }}
"""


def read(*changes) -> FasterRcnn:
    text = CONFIG
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    model = parse_pipeline(text, "p.config").model
    assert isinstance(model, FasterRcnn)
    return model


def test_the_fields_of_a_network_are_read():
    model = read()
    assert (model.classes, model.type, model.stride, model.share_box) == (3, "faster_rcnn_resnet50", 8, False)
    anchors = model.first_stage.anchors
    assert (anchors.scales, anchors.aspect_ratios) == ((0.5, 1.0), (2.0,))
    assert (anchors.height_stride, anchors.width_stride, model.first_stage.max_proposals) == (8, 16, 20)


def test_a_resizer_that_keeps_the_aspect_ratio_has_the_size_of_landscape_images():
    assert (read().resizer.height, read().resizer.width) == (600, 1024)


def test_a_resizer_that_pads_has_the_size_of_the_square():
    padded = read(("max_dimension: 1024", "max_dimension: 1024 pad_to_max_dimension: true"))
    assert (padded.resizer.height, padded.resizer.width) == (1024, 1024)


def test_one_box_for_all_classes_is_read():
    assert read((PREDICTOR, PREDICTOR.replace("{ } }", "{ share_box_across_classes: true } }"))).share_box


def test_the_predictor_of_an_r_fcn_is_read_and_needs_no_crops():
    rfcn = "second_stage_box_predictor { rfcn_box_predictor { crop_height: 18 crop_width: 18 } }"
    model = read((PREDICTOR, rfcn), ("initial_crop_size: 14\nmaxpool_kernel_size: 2\nmaxpool_stride: 2\n", ""))
    assert model.position_sensitive == PositionSensitive((3, 3), (18, 18), 1024)


MASKS = PREDICTOR.replace(
    "{ } }", "{ predict_instance_masks: true mask_height: 33 mask_width: 29 conv_hyperparams { } } }"
)


def test_the_masks_of_a_third_stage_are_read():
    conv = ConvHyperparams(activation="RELU")
    masks = read((PREDICTOR, MASKS), ("num_classes: 3", "num_classes: 3 number_of_stages: 3")).masks
    assert masks == MaskHead(height=33, width=29, layers=2, depth=256, conv=conv)


def test_a_detector_of_two_stages_has_no_masks():
    assert read((PREDICTOR, MASKS)).masks is None


def test_a_context_config_has_the_defaults_of_its_proto():
    assert read().attention is None
    assert read(("num_classes: 3", "num_classes: 3 context_config { }")).attention == Attention(
        slots=2000, width=2057, depth=2048, temperature=pytest.approx(0.01), heads=1, layers=1
    )


def test_the_attention_of_a_context_config_is_read():
    context = (
        "context_config { max_num_context_features: 7 context_feature_length: 20 attention_bottleneck_dimension: 5 "
        "attention_temperature: 0.5 use_self_attention: true self_attention_in_sequence: true num_attention_heads: 2 "
        "num_attention_layers: 3 attention_position: POST_RPN }"
    )
    read_one = read(("num_classes: 3", f"num_classes: 3 {context}")).attention
    assert read_one == Attention(7, 20, 5, 0.5, 2, 3, True, True, True)


def test_a_memory_goes_with_two_stages_and_boxes_alone():
    stages = ("num_classes: 3", "num_classes: 3 number_of_stages: 3 context_config { }")
    rfcn = (PREDICTOR, "second_stage_box_predictor { rfcn_box_predictor { } }")
    for changes in ([(PREDICTOR, MASKS), stages], [rfcn, ("num_classes: 3", "num_classes: 3 context_config { }")]):
        with pytest.raises(InputError, match="detlite builds Context R-CNN with mask_rcnn_box_predictor and 2 stages"):
            read(*changes)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            "num_classes: 3",
            "num_classes: 3 number_of_stages: 1",
            "number_of_stages is 1; detlite builds detectors of 2 stages, proposals and boxes, or 3, with masks",
        ),
        (
            "num_classes: 3",
            "num_classes: 3 number_of_stages: 3",
            "3 are for masks: want mask_rcnn_box_predictor { predict_instance_masks: true }",
        ),
        (
            "num_classes: 3",
            "num_classes: 3 context_config { use_long_term_attention: false }",
            "use_long_term_attention is False; detlite builds Context R-CNN with a memory",
        ),
        (
            "num_classes: 3",
            "num_classes: 3 context_config { attention_position: ATTENTION_DEFAULT }",
            "attention_position is 'ATTENTION_DEFAULT'; want one of POST_BOX_CLASSIFIER, POST_RPN",
        ),
        (
            "num_classes: 3",
            "num_classes: 3 context_config { max_num_context_features: 0 }",
            "max_num_context_features is 0; want a whole number from 1 to 100000",
        ),
        (PREDICTOR, "second_stage_box_predictor { }", "has no mask_rcnn_box_predictor or rfcn_box_predictor"),
        (
            PREDICTOR,
            "second_stage_box_predictor { rfcn_box_predictor { crop_height: 17 } }",
            "crop_height is 17; want a multiple of num_spatial_bins_height, which is 3",
        ),
        ("first_stage_max_proposals: 20", "first_stage_max_proposals: 10001", "want a whole number from 1 to 10000"),
        ("grid_anchor_generator {", "ssd_anchor_generator {", "detlite supports grid_anchor_generator"),
        (
            "maxpool_kernel_size: 2",
            "maxpool_kernel_size: 15",
            "line 8: maxpool_kernel_size is 15; want at most initial_crop_size, which is 14",
        ),
        ("initial_crop_size: 14", "", "faster_rcnn has no initial_crop_size"),
        ("first_stage_features_stride: 8", "pad_to_multiple: 32", "pad_to_multiple is 32; detlite builds backbones"),
    ],
)
def test_what_is_not_built_is_refused_by_its_line(before, after, text):
    with pytest.raises(InputError) as caught:
        read((before, after))
    assert text in str(caught.value)
