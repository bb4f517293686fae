"""Anchors of the two generators, in numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.detector_config import MultiscaleAnchors, SsdAnchors
from detlite.convert.rebuild.network.anchors import boxes_per_cell, make_anchors
from detlite.runtime.errors import InputError

SSD = SsdAnchors(num_layers=2, min_scale=0.2, max_scale=0.8, aspect_ratios=(1.0, 4.0))


def test_the_lowest_layer_has_three_boxes_and_the_others_one_for_each_ratio_and_one_between() -> None:
    assert boxes_per_cell(SSD, 2) == (3, 3)
    assert boxes_per_cell(SsdAnchors(), 6) == (3, 6, 6, 6, 6, 6)


def test_the_lowest_layer_begins_with_a_square_of_a_tenth_of_the_image() -> None:
    first = make_anchors(SSD, (100, 100), [(2, 2), (1, 1)])[0]
    np.testing.assert_allclose(first, (0.25, 0.25, 0.1, 0.1), atol=1e-7)


def test_an_aspect_ratio_of_four_is_four_times_as_wide_as_high() -> None:
    anchors = make_anchors(SSD, (100, 100), [(2, 2), (1, 1)])
    np.testing.assert_allclose(anchors[-2], (0.5, 0.5, 0.4, 1.6), atol=1e-6)


def test_the_last_box_of_a_layer_has_a_scale_between_its_own_and_the_next() -> None:
    anchors = make_anchors(SSD, (100, 100), [(2, 2), (1, 1)])
    np.testing.assert_allclose(anchors[-1], (0.5, 0.5, math.sqrt(0.8), math.sqrt(0.8)), atol=1e-6)


def test_an_image_that_is_not_square_keeps_square_anchors_square_in_pixels() -> None:
    first = make_anchors(SSD, (100, 200), [(2, 4), (1, 2)])[0]
    np.testing.assert_allclose(first, (0.25, 0.125, 0.1, 0.05), atol=1e-7)


def test_without_reduction_the_lowest_layer_has_all_boxes() -> None:
    whole = SsdAnchors(num_layers=1, aspect_ratios=(1.0, 2.0), reduce_boxes_in_lowest_layer=False)
    assert boxes_per_cell(whole, 1) == (3,)


def test_no_box_between_the_scales_where_its_ratio_is_zero() -> None:
    assert boxes_per_cell(SsdAnchors(num_layers=2, interpolated_scale_aspect_ratio=0.0), 2) == (3, 5)


def test_scales_that_are_given_win_over_lowest_and_highest() -> None:
    given_scales = SsdAnchors(num_layers=2, scales=(0.3, 0.6), aspect_ratios=(1.0,))
    last = make_anchors(given_scales, (64, 64), [(1, 1), (1, 1)])[-2]
    np.testing.assert_allclose(last, (0.5, 0.5, 0.6, 0.6), atol=1e-7)


def test_strides_and_offsets_in_pixels_place_the_centres() -> None:
    placed = SsdAnchors(num_layers=1, height_stride=(16,), width_stride=(32,), height_offset=(4,), width_offset=(8,))
    anchors = make_anchors(placed, (64, 64), [(2, 2)])
    np.testing.assert_allclose(anchors[0, :2], (4 / 64, 8 / 64), atol=1e-7)
    np.testing.assert_allclose(anchors[-1, :2], (20 / 64, 40 / 64), atol=1e-7)


def test_a_stride_without_an_offset_begins_at_its_half() -> None:
    anchors = make_anchors(SsdAnchors(num_layers=1, height_stride=(16,), width_stride=(16,)), (64, 64), [(1, 1)])
    np.testing.assert_allclose(anchors[0, :2], (0.125, 0.125), atol=1e-7)


def test_multiscale_boxes_go_through_all_scales_of_one_ratio_first() -> None:
    pyramid = MultiscaleAnchors(min_level=3, max_level=3, aspect_ratios=(1.0, 4.0))
    heights = make_anchors(pyramid, (64, 64), [(8, 8)])[:4, 2] * 64
    np.testing.assert_allclose(heights, (32, 32 * math.sqrt(2), 16, 16 * math.sqrt(2)), rtol=1e-6)


@pytest.mark.parametrize(("side", "first"), [(320, 0.0), (384, 64.0)])
def test_multiscale_centres_begin_at_half_a_stride_only_where_the_image_is_a_multiple_of_it(
    side: int, first: float
) -> None:
    pyramid = MultiscaleAnchors(min_level=7, max_level=7)
    anchors = make_anchors(pyramid, (side, side), [(3, 3)])
    assert anchors[0, 0] * side == pytest.approx(first, abs=1e-4)


def test_a_generator_for_another_number_of_maps_is_refused() -> None:
    with pytest.raises(InputError, match="generator is for 6 feature maps, but the feature extractor has 5"):
        boxes_per_cell(SsdAnchors(), 5)


def test_fewer_scales_than_layers_are_refused() -> None:
    with pytest.raises(InputError, match="2 scales for 3 layers"):
        boxes_per_cell(SsdAnchors(num_layers=3, scales=(0.1, 0.2)), 3)


@given(rows=st.integers(1, 12), columns=st.integers(1, 12))
def test_every_cell_has_its_boxes_around_its_middle(rows: int, columns: int) -> None:
    anchors = make_anchors(SsdAnchors(num_layers=1), (300, 300), [(rows, columns)]).reshape(rows, columns, 3, 4)
    middles = (np.arange(rows) + 0.5) / rows
    np.testing.assert_allclose(
        anchors[:, :, :, 0], np.broadcast_to(middles[:, None, None], (rows, columns, 3)), atol=1e-6
    )
