"""The feature pyramid of TF1: its variables and maps by level, and the images that it refuses."""

from __future__ import annotations

import pytest
from builders.asked_weights import AskedWeights
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams, FeatureExtractor, Fpn
from detlite.convert.rebuild.network.graph import GraphBuilder
from detlite.convert.rebuild.network.pyramid import Pyramid, levels_of, pooled
from detlite.convert.rebuild.network.slim import Slim
from detlite.runtime.errors import InputError

CONV = ConvHyperparams("RELU_6", BatchNorm(scale=True))
PYRAMID = Pyramid("net/fpn", coarse="bottom_up_", first=14)
NAMES = ("weights", "biases", "depthwise_weights", "pointwise_weights")


def extractor(**fields):
    return FeatureExtractor("some_fpn", conv=CONV, min_depth=4, line=7, **fields)


def maps_of(asked, sizes=None):
    """What a pyramid asks for, and the sizes of its maps; *sizes* of the taps of levels 2, 3, ..."""
    weights = AskedWeights()
    with GraphBuilder(weights, (64, 64, 3)) as net:
        taps = {
            level: net.resize_nearest(net.image, size, "tap")
            for level, size in enumerate(sizes or [(16, 16), (8, 8), (4, 4), (2, 2)], start=2)
        }
        maps = PYRAMID.add_to(Slim(net), taps, asked)
        return weights, [net.size(features) for features in maps], [net.channels(features) for features in maps]


def kernels(weights):
    return {tuple(name.rsplit("/", 1)) for name in weights.asked("net/fpn/") if name.endswith(NAMES)}


def test_all_levels_but_the_coarsest_tap_are_smoothed_and_coarser_ones_follow():
    weights, sizes, _ = maps_of(extractor())
    projections = {(f"projection_{number}", name) for number in (1, 2, 3) for name in ("weights", "biases")}
    layers = {(name, "weights") for name in ("smoothing_1", "smoothing_2", "bottom_up_14", "bottom_up_15")}
    assert kernels(weights) == projections | layers
    assert sizes == [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1)]


def test_a_pyramid_that_ends_at_level_four_has_two_taps_and_nothing_coarser():
    weights, sizes, _ = maps_of(extractor(fpn=Fpn(3, 4)))
    assert {name for name, _ in kernels(weights)} == {"projection_1", "projection_2", "smoothing_1"}
    assert sizes == [(8, 8), (4, 4)]


def test_a_pyramid_of_one_level_is_one_projection():
    weights, sizes, _ = maps_of(extractor(fpn=Fpn(5, 5)))
    assert {name for name, _ in kernels(weights)} == {"projection_1"}
    assert sizes == [(2, 2)]


def test_depthwise_layers_are_separable_and_projections_are_not():
    weights, *_ = maps_of(extractor(use_depthwise=True, fpn=Fpn(4, 5)))
    assert kernels(weights) == {
        ("projection_1", "weights"),
        ("projection_1", "biases"),
        ("projection_2", "weights"),
        ("projection_2", "biases"),
        ("smoothing_1", "depthwise_weights"),
        ("smoothing_1", "pointwise_weights"),
    }


def test_its_depth_is_multiplied_and_not_rounded_to_eights():
    _, _, channels = maps_of(extractor(depth_multiplier=0.3, fpn=Fpn(4, 6, additional_layer_depth=50)))
    assert channels == [15, 15, 15]


def test_maps_that_do_not_double_are_refused_with_both_sizes():
    wanted = (
        r"feature_extractor some_fpn, line 7: its maps of 19 x 19 and 10 x 10 do not double in size; "
        r"want an image whose sides are multiples of 32, or pad_to_multiple: 32"
    )
    with pytest.raises(InputError, match=wanted):
        maps_of(extractor(), [(75, 75), (38, 38), (19, 19), (10, 10)])


def test_with_explicit_padding_the_row_too_many_is_cut_off():
    _, sizes, _ = maps_of(extractor(use_explicit_padding=True), [(75, 60), (38, 30), (19, 15), (10, 8)])
    assert sizes == [(38, 30), (19, 15), (10, 8), (5, 4), (3, 2)]


@given(lowest=st.integers(-1, 8), highest=st.integers(-1, 20))
def test_levels_are_taken_or_refused_with_the_line(lowest, highest):
    asked = extractor(fpn=Fpn(lowest, highest))
    if 2 <= lowest <= 5 and lowest <= highest <= 12:
        assert levels_of(asked) == Fpn(lowest, highest)
    else:
        with pytest.raises(InputError, match=rf"line 7: fpn needs min_level in 2..5 .*, got {lowest} and {highest}"):
            levels_of(asked)


def test_pooling_halves_the_map_and_takes_no_variable():
    weights = AskedWeights()
    with GraphBuilder(weights, (19, 10, 3)) as net:
        sizes = [net.size(features) for features in pooled(Slim(net), net.image, 4, "net")]
    assert (sizes, weights.shapes) == ([(19, 10), (10, 5), (5, 3), (3, 2)], {})
