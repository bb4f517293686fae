"""Inception V2 and V3: sizes, operators, and what their options do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.odapi.families.inception_v3 import SMALLEST_SIDE
from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

V2, V3 = "ssd_inception_v2", "ssd_inception_v3"


@pytest.mark.parametrize(
    ("name", "classes", "parameters", "macs"),
    [(V2, 90, 25_030_231, 4_797_869_984), (V3, 37, 32_689_546, 6_987_890_208)],
)
def test_parameters_and_multiplications_are_those_of_the_original(name, classes, parameters, macs):
    built, _ = build(replace(preset(name), classes=classes), (300, 300))
    assert (built.parameters, built.macs) == (parameters, macs)


@pytest.mark.parametrize(
    ("name", "side", "wanted"),
    [
        (V2, 64, {"AVERAGE_POOL_2D": 7, "CONCATENATION": 12, "CONV_2D": 89, "DEPTHWISE_CONV_2D": 1, "MAX_POOL_2D": 5}),
        (V3, SMALLEST_SIDE, {"AVERAGE_POOL_2D": 9, "CONCATENATION": 17, "CONV_2D": 112, "MAX_POOL_2D": 4}),
    ],
)
def test_they_are_convolutions_and_pooling(name, side, wanted):
    built, _ = build(thin(name), (side, side))
    assert operators(built) == wanted | {"LOGISTIC": 1, "RESHAPE": 12}


@pytest.mark.parametrize(("multiplier", "outputs"), [(1.0, 8), (0.25, 5)])
def test_the_first_layer_makes_no_more_of_each_colour_than_the_second_has_channels(multiplier, outputs):
    model = thin(V2)
    narrow = replace(model, extractor=replace(model.extractor, depth_multiplier=multiplier))
    _, weights = build(narrow, (64, 64))
    shape = weights.shapes["FeatureExtractor/InceptionV2/Conv2d_1a_7x7/depthwise_weights"]
    assert shape == (7, 7, 3, outputs)


def test_v3_taps_three_maps_and_adds_three():
    built, weights = build(thin(V3), (300, 300))
    assert built.maps == ((35, 35), (17, 17), (8, 8), (4, 4), (2, 2), (1, 1))
    assert "FeatureExtractor/InceptionV3/Mixed_7c_2_Conv2d_5_3x3_s2_64/weights" in weights.shapes


def test_v3_wants_as_many_pixels_as_leave_it_one_cell():
    built, _ = build(thin(V3), (SMALLEST_SIDE, SMALLEST_SIDE))
    assert built.maps[:3] == ((7, 7), (3, 3), (1, 1))


@pytest.mark.parametrize("name", [V2, V3])
def test_without_an_override_there_are_no_hyperparameters_for_the_backbone(name):
    with pytest.raises(InputError, match="line 6: want override_base_feature_extractor_hyperparams: true"):
        build(thin(name, override_hyperparams=False, line=6), (80, 80))
