"""The four MobileDets: sizes, operators, and what their options do."""

from __future__ import annotations

import pytest
from builders.built_network import build, operators, thin
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.network.channel_counts import scaled
from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

CPU, EDGETPU = "ssdlite_mobiledet_cpu", "ssdlite_mobiledet_edgetpu"
HEADS = {"CONCATENATION": 2, "RESHAPE": 12}


@pytest.mark.parametrize(
    ("processor", "parameters", "macs"),
    [
        ("cpu", 4_165_055, 444_227_776),
        ("dsp", 7_102_079, 2_816_403_904),
        ("edgetpu", 4_146_543, 1_533_181_504),
        ("gpu", 13_069_247, 5_073_184_704),
    ],
)
def test_parameters_and_multiplications_are_those_of_the_original(processor, parameters, macs):
    built, _ = build(preset(f"ssdlite_mobiledet_{processor}"), (320, 320))
    assert (built.parameters, built.macs) == (parameters, macs)


@pytest.mark.parametrize(
    ("processor", "convolutions", "depthwise"), [("dsp", 66, 28), ("edgetpu", 66, 27), ("gpu", 69, 17)]
)
def test_those_of_accelerators_are_convolutions_and_residuals_alone(processor, convolutions, depthwise):
    built, _ = build(thin(f"ssdlite_mobiledet_{processor}"), (64, 64))
    wanted = {"ADD": 15, "CONV_2D": convolutions, "DEPTHWISE_CONV_2D": depthwise, "LOGISTIC": 1}
    assert operators(built) == wanted | HEADS


def test_that_of_the_cpu_squeezes_by_pooling_and_has_each_hard_swish_as_one_operator():
    built, _ = build(thin(CPU), (64, 64))
    wanted = {"ADD": 12, "AVERAGE_POOL_2D": 19, "CONV_2D": 96, "DEPTHWISE_CONV_2D": 35, "HARD_SWISH": 57}
    assert operators(built) == wanted | {"LOGISTIC": 20, "MUL": 19} | HEADS


def test_blocks_are_numbered_for_each_kind_of_block():
    _, weights = build(thin("ssdlite_mobiledet_dsp"), (64, 64))
    names = weights.asked("FeatureExtractor/MobileDetDSP/")
    firsts = {name.split("/")[0] for name in names}
    kinds = {kind: sum(first.split("_")[0] == kind for first in firsts) for kind in ("IBN", "FusedConv", "TuckerConv")}
    assert kinds == {"IBN": 11, "FusedConv": 8, "TuckerConv": 2}
    assert "TuckerConv_1/Conv_2/weights" in names


def test_the_maps_of_an_image_that_is_no_square_are_no_squares():
    built, _ = build(thin(CPU), (160, 96))
    assert built.maps == ((10, 6), (5, 3), (3, 2), (2, 1), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ({"use_explicit_padding": True}, "want use_explicit_padding: false; MobileDet has no explicit padding"),
        ({"num_layers": 5}, "want num_layers: 6, got 5"),
    ],
)
def test_a_setting_that_the_original_does_not_support_is_refused(field, wanted):
    with pytest.raises(InputError, match=f"ssd_mobiledet_edgetpu, line 4: {wanted}"):
        build(thin(EDGETPU, line=4, **field), (64, 64))


@pytest.mark.parametrize(
    ("channels", "ratio", "want"), [(16, 0.25, 8), (72, 0.25, 16), (32, 0.75, 24), (104, 0.5, 56), (8, 0.1, 8)]
)
def test_halves_of_eight_channels_are_rounded_up(channels, ratio, want):
    assert scaled(channels, ratio) == want


@given(st.integers(1, 4096), st.floats(0.01, 16))
def test_scaled_channels_are_the_nearest_multiple_of_eight(channels, ratio):
    got = scaled(channels, ratio)
    assert got % 8 == 0
    assert abs(got - max(channels * ratio, 8)) <= 4
