"""MobileNet V3, large and small: sizes, operators, and what their options do."""

from __future__ import annotations

import numpy as np
import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams
from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

LARGE, SMALL = "ssdlite_mobilenet_v3_large", "ssdlite_mobilenet_v3_small"
SCOPE = "FeatureExtractor/MobilenetV3/"


@pytest.mark.parametrize(
    ("name", "parameters", "macs"), [(LARGE, 3_248_255, 506_563_904), (SMALL, 1_785_743, 162_303_424)]
)
def test_parameters_and_multiplications_are_those_of_the_original(name, parameters, macs):
    built, _ = build(preset(name), (320, 320))
    assert (built.parameters, built.macs) == (parameters, macs)


@pytest.mark.parametrize(
    ("name", "residuals", "convolutions", "depthwise", "swishes", "gates"),
    [(LARGE, 10, 67, 31, 20, 8), (SMALL, 7, 61, 27, 18, 9)],
)
def test_each_hard_swish_is_one_operator_and_each_gate_two(name, residuals, convolutions, depthwise, swishes, gates):
    built, _ = build(thin(name), (64, 64))
    assert operators(built) == {
        "ADD": residuals,
        "CONCATENATION": 2,
        "CONV_2D": convolutions,
        "DEPTHWISE_CONV_2D": depthwise,
        "HARD_SWISH": swishes,
        "LOGISTIC": 1,
        "MEAN": gates,
        "MUL": 2 * gates,
        "RESHAPE": 12,
    }


def test_the_gate_is_the_originals_literal_and_no_sixth():
    from tensorflow import make_ndarray

    built, _ = build(thin(SMALL), (64, 64))
    nodes = [n for n in built.graph_def.node if n.name.endswith("squeeze_excite/Conv_1/mul/y")]
    assert [make_ndarray(node.attr["value"].tensor).item() for node in nodes] == [np.float32(0.16667)] * 9


def test_explicit_padding_stands_around_whole_blocks_whose_maps_grow():
    built, _ = build(thin(SMALL, use_explicit_padding=True), (160, 128))
    assert built.maps == ((34, 32), (25, 24), (13, 12), (7, 6), (4, 3), (2, 2))


def test_an_override_leaves_the_backbone_gamma_and_beta():
    given = ConvHyperparams("SWISH", BatchNorm(center=False, scale=False))
    _, weights = build(thin(SMALL, override_hyperparams=True, conv=given), (64, 64))
    assert weights.asked(f"{SCOPE}Conv_1/BatchNorm/") >= {"gamma", "beta"}


def test_half_the_width_rounds_to_eights_but_the_extra_maps():
    model = thin(LARGE)
    _, weights = build(model, (64, 64))
    assert weights.shapes[f"{SCOPE}expanded_conv_12/squeeze_excite/Conv/weights"] == (1, 1, 336, 88)
    assert weights.shapes[f"{SCOPE}layer_17_1_Conv2d_2_1x1_128/weights"] == (1, 1, 240, 128)


def test_another_number_of_maps_is_refused():
    with pytest.raises(InputError, match="ssd_mobilenet_v3_small, line 9: want num_layers: 6, got 4"):
        build(thin(SMALL, num_layers=4, line=9), (64, 64))
