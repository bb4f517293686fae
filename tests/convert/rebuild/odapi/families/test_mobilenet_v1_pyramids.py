"""MobileNet V1 with its two pyramids: sizes, operators, and what their options do."""

from __future__ import annotations

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.odapi.family import preset

SCOPE = "FeatureExtractor/MobilenetV1/"


@pytest.mark.parametrize(
    ("name", "side", "parameters", "macs"),
    [
        ("ssd_mobilenet_v1_fpn", 640, 12_080_762, 61_582_451_200),
        ("ssd_mobilenet_v1_ppn", 300, 2_173_818, 1_173_529_536),  # 1,593,856 more stand unused in its checkpoint
    ],
)
def test_parameters_and_multiplications_are_those_of_the_original(name, side, parameters, macs):
    built, _ = build(preset(name), (side, side))
    assert (built.parameters, built.macs) == (parameters, macs)


def test_fpn_is_convolutions_and_native_resizing():
    built, _ = build(thin("ssd_mobilenet_v1_fpn"), (64, 64))
    assert operators(built) == {
        "ADD": 2,
        "CONCATENATION": 2,
        "CONV_2D": 71,
        "DEPTHWISE_CONV_2D": 13,
        "LOGISTIC": 1,
        "RESHAPE": 10,
        "RESIZE_NEAREST_NEIGHBOR": 2,
    }


def test_ppn_is_convolutions_and_pooling():
    built, _ = build(thin("ssd_mobilenet_v1_ppn"), (64, 64))
    assert operators(built) == {
        "CONCATENATION": 2,
        "CONV_2D": 30,
        "DEPTHWISE_CONV_2D": 11,
        "LOGISTIC": 1,
        "MAX_POOL_2D": 5,
        "RESHAPE": 12,
    }


def test_fpn_with_depthwise_layers_has_a_thinner_end_of_the_backbone():
    _, weights = build(thin("ssd_mobilenet_v1_fpn", use_depthwise=True), (64, 64))
    ends = [weights.shapes[f"{SCOPE}Conv2d_{number}_pointwise/weights"][-1] for number in (11, 12, 13)]
    assert ends == [256, 256, 128]


def test_ppn_leaves_the_layers_behind_its_tap_out():
    _, weights = build(thin("ssd_mobilenet_v1_ppn"), (64, 64))
    assert not {name for name in weights.asked(SCOPE) if name.startswith(("Conv2d_12", "Conv2d_13"))}


def test_ppn_halves_its_one_map_five_times():
    built, _ = build(thin("ssd_mobilenet_v1_ppn"), (300, 200))
    assert built.maps == ((19, 13), (10, 7), (5, 4), (3, 2), (2, 1), (1, 1))
