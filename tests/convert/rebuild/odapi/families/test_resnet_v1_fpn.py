"""RetinaNet with ResNet V1: layers, sizes, operators, and what the original's code makes of its options."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.detector_config import ConvHyperparams, SsdAnchors
from detlite.convert.rebuild.network.resnet_v1 import backbone_style
from detlite.convert.rebuild.odapi.family import family_of_extractor, preset
from detlite.runtime.errors import InputError


def ppn(layers=50, **fields):
    """A thin pooling pyramid on ResNet V1."""
    whole = thin("ssd_resnet50_v1_fpn")
    extractor = replace(
        whole.extractor, type=f"ssd_resnet{layers}_v1_ppn", fpn=None, **{"depth_multiplier": 1} | fields
    )
    return replace(whole, extractor=extractor, anchors=SsdAnchors(reduce_boxes_in_lowest_layer=False))


def test_resnet_50_has_the_parameters_and_multiplications_of_the_original():
    built, _ = build(preset("ssd_resnet50_v1_fpn"), (640, 640))
    assert (built.parameters, built.macs) == (32_840_570, 89_158_976_000)


@pytest.mark.parametrize(("layers", "units"), [(50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3))])
def test_its_blocks_have_as_many_units_as_the_paper_says(layers, units):
    _, weights = build(thin(f"ssd_resnet{layers}_v1_fpn"), (160, 160))
    names = weights.asked(f"FeatureExtractor/resnet_v1_{layers}/")
    built = [
        len({name for name in names if name.startswith(f"block{n}/") and "conv2/weights" in name}) for n in range(1, 5)
    ]
    assert tuple(built) == units


def test_its_tflite_file_has_one_convolution_for_each_layer_and_level_and_no_sub_sampling():
    built, _ = build(thin("ssd_resnet50_v1_fpn"), (160, 160))
    assert operators(built) == {
        "ADD": 18,
        "CONCATENATION": 2,
        "CONV_2D": 110,
        "LOGISTIC": 1,
        "MAX_POOL_2D": 1,
        "PAD": 1,
        "RESHAPE": 10,
        "RESIZE_NEAREST_NEIGHBOR": 2,
    }


def test_its_maps_begin_at_a_stride_of_eight():
    built, _ = build(thin("ssd_resnet50_v1_fpn"), (160, 160))
    assert built.maps == ((20, 20), (10, 10), (5, 5), (3, 3), (2, 2))


def test_its_batch_norms_keep_their_epsilon_where_the_config_overrides_the_rest():
    extractor = preset("ssd_resnet50_v1_fpn").extractor
    style = backbone_style(extractor)
    assert (style.activation, style.norm.epsilon, style.norm.scale) == ("RELU_6", 1e-5, True)


def test_without_overriding_its_activation_is_relu():
    extractor = replace(preset("ssd_resnet50_v1_fpn").extractor, override_hyperparams=False)
    assert backbone_style(extractor).activation == "RELU"


def test_an_override_without_a_batch_norm_leaves_biases():
    extractor = replace(preset("ssd_resnet50_v1_fpn").extractor, conv=ConvHyperparams("RELU"))
    assert backbone_style(extractor).norm is None


def test_explicit_padding_is_refused_with_its_line():
    with pytest.raises(InputError, match="feature_extractor ssd_resnet50_v1_fpn, line 9: want use_explicit_padding: f"):
        build(thin("ssd_resnet50_v1_fpn", use_explicit_padding=True, line=9), (160, 160))


def test_depthwise_layers_are_not_for_it_as_in_the_original():
    _, weights = build(thin("ssd_resnet50_v1_fpn", use_depthwise=True), (160, 160))
    assert "smoothing_1/weights" in weights.asked("FeatureExtractor/resnet_v1_50/fpn/")


def test_its_pooling_pyramid_stands_on_the_third_block():
    built, weights = build(ppn(), (160, 160))
    names = weights.asked("FeatureExtractor/resnet_v1_50/")
    assert "Base_Conv2d_1x1_1024/weights" in names
    assert not {name for name in names if name.startswith("block4")}
    assert built.maps == ((10, 10), (5, 5), (3, 3), (2, 2), (1, 1), (1, 1))


def test_its_pooling_pyramid_overrides_nothing_as_in_the_original():
    built, _ = build(ppn(), (160, 160))
    block = {node.op for node in built.graph_def.node if "/block1/" in node.name}
    assert "Relu" in block
    assert "Relu6" not in block


def test_its_pooling_pyramid_has_one_width():
    with pytest.raises(InputError, match="want a depth_multiplier of 1, got 0.5"):
        build(ppn(depth_multiplier=0.5), (160, 160))


def test_images_under_129_pixels_are_too_small_for_all_of_them():
    kinds = [f"ssd_resnet{layers}_v1_{pyramid}" for layers in (50, 101, 152) for pyramid in ("fpn", "ppn")]
    assert {family_of_extractor(kind, 0, "a test")[1].smallest_side for kind in kinds} == {129}
