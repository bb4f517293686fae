"""SSDs, EfficientDet and CenterNet of TF2: sizes, operators, names of variables, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders.asked_weights import AskedWeights
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import BatchNorm, BiFpn, Fpn, Ssd
from detlite.convert.rebuild.network.built_network import BuiltNetwork
from detlite.convert.rebuild.network.center_net import build_center_net
from detlite.convert.rebuild.odapi.config.read import read_pipeline
from detlite.convert.rebuild.odapi.family import family_of_center_net, preset
from detlite.runtime.errors import InputError

BACKBONE = "model/_feature_extractor/classification_backbone/"
TOWER = "model/_box_predictor/_base_tower_layers_for_heads/"


def center_net(name: str, side: int, **fields: Any) -> tuple[BuiltNetwork, AskedWeights]:
    model = replace(preset(name), **fields)
    assert isinstance(model, CenterNet)
    weights = AskedWeights()
    return build_center_net(model, family_of_center_net(model.type, 0, "a test")[1], weights, (side, side)), weights


def ssd_v1(**fields: Any) -> Ssd:
    """The SSD of TF2 with MobileNet V1, for which there is no preset."""
    model = preset("tf2_ssd_mobilenet_v2")
    assert isinstance(model, Ssd)
    return replace(model, classes=1, extractor=replace(model.extractor, type="ssd_mobilenet_v1_keras", **fields))


@pytest.mark.parametrize(
    ("name", "side", "parameters", "macs"),
    [
        ("tf2_ssd_mobilenet_v2_fpnlite", 320, 2_626_746, 985_034_496),
        ("efficientdet_d0", 512, 3_880_067, 2_492_331_520),  # 1,693,160 more stand unused in its checkpoint
    ],
)
def test_parameters_and_multiplications_are_those_of_the_original(name, side, parameters, macs):
    built, _ = build(preset(name), (side, side))
    assert (built.parameters, built.macs) == (parameters, macs)


def test_a_center_net_has_the_parameters_and_multiplications_of_the_original():
    built, _ = center_net("centernet_mobilenet_v2_fpn", 320)
    assert (built.parameters, built.macs) == (2_360_390, 910_297_600)


def test_ssd_with_mobilenet_v2_is_convolutions():
    built, _ = build(thin("tf2_ssd_mobilenet_v2"), (160, 160))
    assert operators(built) == {
        "ADD": 10,
        "CONCATENATION": 2,
        "CONV_2D": 55,
        "DEPTHWISE_CONV_2D": 17,
        "LOGISTIC": 1,
        "RESHAPE": 12,
    }


def test_fpnlite_is_convolutions_and_native_resizing():
    built, _ = build(thin("tf2_ssd_mobilenet_v2_fpnlite"), (160, 160))
    assert operators(built) == {
        "ADD": 12,
        "CONCATENATION": 2,
        "CONV_2D": 72,
        "DEPTHWISE_CONV_2D": 51,
        "LOGISTIC": 1,
        "RESHAPE": 10,
        "RESIZE_NEAREST_NEIGHBOR": 2,
    }


@pytest.mark.slow
def test_resnet_with_a_pyramid_is_convolutions_and_native_resizing():
    built, _ = build(thin("tf2_ssd_resnet50_v1_fpn"), (160, 160))
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


@pytest.mark.slow
def test_efficientdet_has_no_fully_connected_layer():
    built, _ = build(replace(preset("efficientdet_d0"), classes=1), (256, 256))
    assert operators(built) == {
        "ADD": 42,
        "CONCATENATION": 2,
        "CONV_2D": 134,
        "DEPTHWISE_CONV_2D": 80,
        "LOGISTIC": 119,
        "MAX_POOL_2D": 14,
        "MEAN": 16,
        "MUL": 170,
        "RESHAPE": 10,
        "RESIZE_NEAREST_NEIGHBOR": 12,
    }


def test_a_center_net_is_convolutions_and_native_resizing():
    built, _ = center_net("centernet_mobilenet_v2_fpn", 64, classes=1)
    assert operators(built) == {
        "ADD": 13,
        "CONCATENATION": 1,
        "CONV_2D": 48,
        "DEPTHWISE_CONV_2D": 23,
        "LOGISTIC": 1,
        "RESHAPE": 2,
        "RESIZE_NEAREST_NEIGHBOR": 3,
    }


def test_a_backbone_counts_its_layers_with_weights():
    _, weights = build(thin("tf2_ssd_mobilenet_v2_fpnlite"), (160, 160))
    names = weights.asked(BACKBONE)
    assert {"layer_with_weights-0/kernel", "layer_with_weights-1/gamma"} <= names
    assert {"layer_with_weights-2/depthwise_kernel", "layer_with_weights-102/kernel"} <= names


def test_a_shared_tower_keeps_its_norms_with_the_boxes():
    _, weights = build(thin("tf2_ssd_mobilenet_v2_fpnlite"), (160, 160))
    assert "box_encodings/4/10/gamma" in weights.asked(TOWER)
    assert not any(name.startswith("class_predictions") for name in weights.asked(TOWER))


def test_resnet_counts_a_projection_beside_its_last_convolution():
    _, weights = build(thin("tf2_ssd_resnet50_v1_fpn"), (160, 160))
    shape = {key: weights.shapes[f"{BACKBONE}layer_with_weights-{key}/kernel"] for key in (2, 4, 6, 7)}
    assert shape == {2: (1, 1, 32, 32), 4: (3, 3, 32, 32), 6: (1, 1, 32, 128), 7: (1, 1, 32, 128)}


def test_a_config_without_beta_has_biases_beside_its_norms():
    model = thin("tf2_ssd_mobilenet_v2_fpnlite")
    conv = replace(model.extractor.conv, batch_norm=BatchNorm(center=False))
    _, weights = build(replace(model, extractor=replace(model.extractor, conv=conv)), (160, 160))
    assert "0/0/bias" in weights.asked("model/_feature_extractor/_coarse_feature_layers/")


def test_mobilenet_v1_keeps_its_extra_maps_under_a_name_of_its_own():
    _, weights = build(ssd_v1(), (160, 160))
    assert "_feature_map_generator/convolutions/2/0/kernel" in weights.asked("model/_feature_extractor/")
    assert not weights.asked("model/_feature_extractor/feature_map_generator/")


def test_mobilenet_v1_is_multiplied_by_its_width_twice():
    _, weights = build(ssd_v1(depth_multiplier=0.5, min_depth=8), (160, 160))
    shape = {key: weights.shapes[f"{BACKBONE}layer_with_weights-{key}/kernel"] for key in (0, 4, 52)}
    assert shape == {0: (3, 3, 3, 8), 4: (1, 1, 8, 16), 52: (1, 1, 256, 256)}


def test_the_layers_that_fpnlite_replaces_are_multiplied_once():
    model = thin("tf2_ssd_mobilenet_v1_fpn", use_depthwise=True)
    _, weights = build(model, (160, 160))
    shape = {key: weights.shapes[f"{BACKBONE}layer_with_weights-{key}/kernel"] for key in (44, 48, 52)}
    assert shape == {44: (1, 1, 128, 128), 48: (1, 1, 128, 256), 52: (1, 1, 256, 128)}


def test_resnet_reads_no_fpn_of_its_config():
    model = thin("tf2_ssd_resnet50_v1_fpn", fpn=Fpn(min_level=3, max_level=7, additional_layer_depth=64))
    _, weights = build(model, (160, 160))
    assert weights.shapes["model/_feature_extractor/_fpn_features_generator/top_layers/0/kernel"] == (1, 1, 1024, 128)


def test_an_overridden_backbone_without_norms_has_no_biases():
    model = thin("tf2_ssd_mobilenet_v2")
    conv = replace(model.extractor.conv, batch_norm=None)
    _, weights = build(replace(model, extractor=replace(model.extractor, conv=conv)), (160, 160))
    assert {name.rsplit("/", 1)[1] for name in weights.asked(BACKBONE)} == {"kernel", "depthwise_kernel"}


def test_a_resnet_overridden_with_no_norm_is_refused():
    model = thin("tf2_ssd_resnet50_v1_fpn", override_hyperparams=True, line=12)
    conv = replace(model.extractor.conv, batch_norm=None)
    with pytest.raises(InputError, match="line 12: override_base_feature_extractor_hyperparams without a batch_norm"):
        build(replace(model, extractor=replace(model.extractor, conv=conv)), (160, 160))


@pytest.mark.parametrize(("number", "folder"), [(number, f"d{number}") for number in range(8)])
@pytest.mark.data
def test_presets_are_the_public_configs(shared_data, number, folder):
    (config,) = (shared_data / "configs" / "tf2").glob(f"ssd_efficientdet_{folder}_*.config")
    public, ours = read_pipeline(config).model, preset(f"efficientdet_d{number}")
    assert (public.extractor.type, public.extractor.bifpn) == (ours.extractor.type, ours.extractor.bifpn)
    assert replace(public.predictor, conv=ours.predictor.conv) == ours.predictor
    assert (public.anchors, public.columns) == (ours.anchors, ours.columns)
    assert (public.resizer.height, public.resizer.width) == (ours.resizer.height, ours.resizer.width)


def test_an_image_whose_maps_do_not_double_is_refused():
    with pytest.raises(InputError, match="do not double in size; want sides that are multiples of 128"):
        build(preset("efficientdet_d0"), (200, 256))


def test_an_unknown_way_to_combine_is_refused():
    model = preset("efficientdet_d0")
    extractor = replace(model.extractor, bifpn=BiFpn(combine_method="mean"))
    with pytest.raises(InputError, match="combine_method of sum, .* fast_attention; got 3, 7 and mean"):
        build(replace(model, extractor=extractor), (256, 256))


def test_a_pyramid_on_an_extractor_that_has_none_is_refused():
    model = preset("ssdlite_mobilenet_v2")
    extractor = replace(model.extractor, fpn=preset("ssd_mobilenet_v1_fpn").extractor.fpn, line=7)
    with pytest.raises(InputError, match="feature_extractor ssd_mobilenet_v2, line 7: it has no fpn"):
        build(replace(model, extractor=extractor), (160, 160))
