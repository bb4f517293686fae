"""SpaghettiNet in its three sizes: what it is made of, its TFLite operators, its trained ranges, what it refuses."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from builders.built_network import build, operators
from builders.ranged_weights import RangedWeights

from detlite.convert.rebuild.network.spaghettinet_nodes import ARCHITECTURES
from detlite.convert.rebuild.network.ssd import build_ssd
from detlite.convert.rebuild.odapi.family import family_of_extractor, preset
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.runtime.errors import InputError

SIZES = {"s": (3_478_933, 1_039_208_776), "m": (4_169_829, 1_244_490_352), "l": (5_758_389, 1_564_189_896)}
"""Trained numbers and multiplications of the original graphs at 320 x 320, counted in TensorFlow 1.15."""

SMALL = {
    "ADD": 30,
    "CONCATENATION": 7,
    "CONV_2D": 91,
    "DEPTHWISE_CONV_2D": 37,
    "FLOOR": 5,
    "LOGISTIC": 1,
    "MAX_POOL_2D": 3,
    "MUL": 5,
    "RESHAPE": 10,
    "RESIZE_NEAREST_NEIGHBOR": 3,
    "SLICE": 20,
}
"""Of the small one: 19 slices of channels, one of rows and columns; 5 roundings of MUL, ADD, FLOOR."""


def spaghetti(size, **fields):
    whole = preset(f"ssd_spaghettinet_edgetpu_{size}")
    return replace(whole, extractor=replace(whole.extractor, **fields))


@pytest.mark.parametrize("size", SIZES)
def test_parameters_and_multiplications_are_those_of_the_original(size):
    built, _ = build(spaghetti(size), (320, 320))
    assert (built.parameters, built.macs) == SIZES[size]


def test_its_last_two_maps_have_the_same_size():
    built, _ = build(spaghetti("s"), (320, 320))
    assert built.maps == ((20, 20), (10, 10), (5, 5), (3, 3), (3, 3))


def test_an_image_whose_sides_do_not_halve_is_cropped_where_edges_meet():
    built, _ = build(spaghetti("m"), (200, 150))
    assert built.maps == ((13, 10), (7, 5), (4, 3), (2, 2), (2, 2))


def test_explicit_padding_gives_maps_of_the_same_sizes():
    built, _ = build(spaghetti("l", use_explicit_padding=True), (320, 320))
    assert built.maps == ((20, 20), (10, 10), (5, 5), (3, 3), (3, 3))


def test_the_small_one_has_slices_native_resizes_and_nothing_quantized():
    built, _ = build(spaghetti("s"), (320, 320))
    assert operators(built) == SMALL


def test_a_config_that_names_no_architecture_gets_the_medium_one():
    built, _ = build(spaghetti("s", spaghettinet_arch_name=""), (320, 320))
    assert built.parameters == SIZES["m"][0]


def test_an_unknown_architecture_is_refused_with_its_line():
    with pytest.raises(InputError, match=r"line 7, feature_extractor ssd_spaghettinet.*'spaghettinet_edgetpu_xl'"):
        build(spaghetti("s", spaghettinet_arch_name="spaghettinet_edgetpu_xl", line=7), (320, 320))


def test_padding_to_a_multiple_is_refused():
    with pytest.raises(InputError, match=r"pad_to_multiple is 32, but SpaghettiNet does not pad"):
        build(spaghetti("s", pad_to_multiple=32), (320, 320))


@pytest.mark.parametrize(("size", "pairs"), [("s", 262), ("m", 287), ("l", 312)])
def test_every_convolution_edge_and_residual_sum_has_a_trained_range(size, pairs):
    weights, model = RangedWeights(), spaghetti(size)
    _, extractor = family_of_extractor(model.extractor.type, 0, "a test")
    build_ssd(model, extractor, weights, (96, 96), quantized=True)
    assert len(weights.ranges) == pairs


def test_residual_sums_are_numbered_in_one_scope():
    weights, model = RangedWeights(), spaghetti("s")
    _, extractor = family_of_extractor(model.extractor.type, 0, "a test")
    build_ssd(model, extractor, weights, (96, 96), quantized=True)
    sums = {name.rsplit("/", 1)[1] for name in weights.ranges if "post_activation" in name}
    assert sums == {"post_activation_bypass_quant"} | {f"post_activation_bypass_quant_{n}" for n in range(1, 20)}


class HighestOf(RandomWeights):
    """Random weights whose concatenations were trained to end at *highest*."""

    def __init__(self, highest):
        super().__init__(0)
        self.highest = highest

    def take(self, name, shape):
        return np.float32(self.highest) if str(name[0]).endswith("/concat/max") else super().take(name, shape)


def count_of(highest):
    """How many operators of each kind the small one has whose concatenations were trained so."""
    model = spaghetti("s")
    _, extractor = family_of_extractor(model.extractor.type, 0, "a test")
    built = build_ssd(model, extractor, HighestOf(highest), (96, 96))
    return Counter(node.op for node in built.graph_def.node)


def test_a_trained_range_below_6_clips_and_rounds_the_concatenation():
    count = count_of(4.0)
    assert (count["Minimum"], count["Floor"], count["FakeQuantWithMinMaxVars"]) == (5, 5, 0)


def test_a_trained_range_to_6_only_rounds():
    count = count_of(6.0)
    assert (count["Minimum"], count["Floor"]) == (0, 5)


def test_every_architecture_is_built_in_an_order_in_which_its_sources_are_there():
    for nodes in ARCHITECTURES.values():
        built = ["s0"]
        for name, node in nodes.items():
            assert set(node.sources) <= set(built)
            built.append(name)
