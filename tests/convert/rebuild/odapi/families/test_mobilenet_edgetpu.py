"""MobileNet-EdgeTPU: sizes, operators, and what its options do."""

from __future__ import annotations

import pytest
from builders.built_network import build, operators, thin

from detlite.convert.rebuild.odapi.family import preset
from detlite.runtime.errors import InputError

NAME = "ssdlite_mobilenet_edgetpu"
SCOPE = "FeatureExtractor/MobilenetEdgeTPU/"


def test_parameters_and_multiplications_are_those_of_the_original():
    built, _ = build(preset(NAME), (320, 320))
    assert (built.parameters, built.macs) == (3_857_215, 2_072_672_704)


def test_it_is_convolutions_and_residuals_alone():
    built, _ = build(thin(NAME), (64, 64))
    assert operators(built) == {
        "ADD": 15,
        "CONCATENATION": 2,
        "CONV_2D": 64,
        "DEPTHWISE_CONV_2D": 29,
        "LOGISTIC": 1,
        "RESHAPE": 12,
    }


def test_a_fused_block_expands_by_its_whole_kernel_and_the_first_one_does_not_expand():
    _, weights = build(preset(NAME), (320, 320))
    expansions = [weights.shapes.get(f"{SCOPE}expanded_conv{n}/expand/weights") for n in ("", "_1", "_9")]
    assert expansions == [None, (3, 3, 16, 128), (1, 1, 48, 384)]


def test_there_is_no_layer_behind_the_last_tap():
    _, weights = build(thin(NAME), (64, 64))
    assert not weights.asked(f"{SCOPE}Conv_1/")


def test_explicit_padding_is_refused_as_its_residuals_would_not_fit():
    with pytest.raises(InputError, match="line 3: want use_explicit_padding: false; its residuals would not fit"):
        build(thin(NAME, use_explicit_padding=True, line=3), (64, 64))
