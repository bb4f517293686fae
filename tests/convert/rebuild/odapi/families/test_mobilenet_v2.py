"""MobileNet V2 and its three pyramids: sizes, operators, and what their options do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams, FeatureExtractor, Fpn
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.odapi.families.mobilenet_v2 import backbone_of
from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

SCOPE = "FeatureExtractor/MobilenetV2/"


@pytest.mark.parametrize(
    ("name", "side", "parameters", "macs"),
    [
        ("ssdlite_mobilenet_v2", 300, 4_500_543, 749_503_856),
        ("ssd_mobilenet_v2_mnasfpn", 320, 2_455_655, 918_578_800),
    ],
)
def test_parameters_and_multiplications_are_those_of_the_original(name, side, parameters, macs):
    built, _ = build(preset(name), (side, side))
    assert (built.parameters, built.macs) == (parameters, macs)


def test_fpnlite_of_three_quarters_has_the_parameters_and_multiplications_of_the_original():
    whole = preset("ssd_mobilenet_v2_fpnlite")
    built, _ = build(replace(whole, extractor=replace(whole.extractor, depth_multiplier=0.75)), (256, 256))
    assert (built.parameters, built.macs) == (1_307_866, 465_456_384)


def test_fpnlite_is_convolutions_depthwise_convolutions_and_native_resizing():
    built, _ = build(thin("ssd_mobilenet_v2_fpnlite"), (64, 64))
    assert operators(built) == {
        "ADD": 12,
        "CONCATENATION": 2,
        "CONV_2D": 72,
        "DEPTHWISE_CONV_2D": 51,
        "LOGISTIC": 1,
        "RESHAPE": 10,
        "RESIZE_NEAREST_NEIGHBOR": 2,
    }


def test_mnasfpn_is_convolutions_pooling_and_native_resizing():
    built, _ = build(thin("ssd_mobilenet_v2_mnasfpn"), (64, 64))
    assert operators(built) == {
        "ADD": 43,
        "CONCATENATION": 2,
        "CONV_2D": 119,
        "DEPTHWISE_CONV_2D": 61,
        "LOGISTIC": 1,
        "MAX_POOL_2D": 13,
        "RESHAPE": 8,
        "RESIZE_NEAREST_NEIGHBOR": 12,
    }


def test_the_last_layer_of_fpnlite_has_a_fifth_of_the_papers_channels():
    _, lite = build(thin("ssd_mobilenet_v2_fpnlite"), (64, 64))
    _, full = build(thin("ssd_mobilenet_v2_fpnlite", use_depthwise=False), (64, 64))
    assert [asked.shapes[f"{SCOPE}Conv_1/weights"][-1] for asked in (lite, full)] == [128, 640]


def test_an_image_of_300_pixels_is_refused_and_padded_to_a_multiple_of_32_it_is_not():
    with pytest.raises(InputError, match="maps of 19 x 19 and 10 x 10 do not double"):
        build(thin("ssd_mobilenet_v2_fpnlite"), (300, 300))
    built, _ = build(thin("ssd_mobilenet_v2_fpnlite", pad_to_multiple=32), (300, 300))
    assert built.maps == ((40, 40), (20, 20), (10, 10), (5, 5), (3, 3))


def test_an_override_changes_epsilon_and_neither_gamma_beta_nor_relu6():
    given = ConvHyperparams("SWISH", BatchNorm(epsilon=0.02, center=False, scale=False))
    extractor = FeatureExtractor("ssd_mobilenet_v2", override_hyperparams=True, conv=given)
    with GraphBuilder(build(thin("ssd_mobilenet_v2_fpnlite"), (64, 64))[1], (64, 64, 3)) as net:
        style = backbone_of(net, extractor).style
    assert (style.activation, style.norm) == ("RELU_6", BatchNorm(0.02, center=True, scale=True))


def test_mnasfpn_has_no_last_layer_of_the_backbone():
    _, weights = build(thin("ssd_mobilenet_v2_mnasfpn"), (64, 64))
    assert not {name for name in weights.shapes if name.startswith(f"{SCOPE}Conv_1")}


def test_mnasfpn_has_four_cells_of_five_blocks():
    _, weights = build(thin("ssd_mobilenet_v2_mnasfpn"), (64, 64))
    names = weights.asked("FeatureExtractor/MnasFPN/")
    blocks = {name.rsplit("/", 2)[0] for name in names if name.endswith("SepConv/depthwise_weights")}
    assert blocks == {f"cell_{cell}/block_{block}" for cell in range(4) for block in range(5)}


@pytest.mark.parametrize(("size", "map_of_three"), [((96, 64), "12 x 8"), ((300, 320), "38 x 40")])
def test_mnasfpn_refuses_an_image_whose_maps_do_not_halve(size, map_of_three):
    with pytest.raises(
        InputError, match=f"its finest map of {map_of_three} cannot be halved 3 times; .* multiples of 64"
    ):
        build(thin("ssd_mobilenet_v2_mnasfpn"), size)


def test_mnasfpn_refuses_other_levels_than_its_own():
    with pytest.raises(InputError, match="line 5: want an fpn of min_level 3 and max_level 6, got 3 and 7"):
        build(thin("ssd_mobilenet_v2_mnasfpn", fpn=Fpn(), line=5), (64, 64))
