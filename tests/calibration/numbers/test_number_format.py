"""Number formats: what a range becomes in each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.calibration.numbers.number_format import EXPLICIT, INT8, INT16
from detlite.calibration.ranges.ranges import Range
from detlite.runtime.tensors import Quantization

ends = st.floats(-1e4, 1e4, width=32)


@pytest.mark.parametrize(
    ("numbers", "want"),
    [
        (INT8, Quantization(float(np.float32(6 / 255)), -128)),
        (INT16, Quantization(float(np.float32(6 / 32767)), 0)),
        (EXPLICIT, Quantization(float(np.float32(6 / 127)), 0)),
    ],
)
def test_a_range_from_0_has_half_the_codes_where_zero_points_are_0(numbers, want):
    assert numbers.of_range(Range(0, 6)) == want


@pytest.mark.parametrize("numbers", [INT8, INT16, EXPLICIT])
@given(one=ends, other=ends)
def test_both_ends_of_a_range_are_within_the_codes(numbers, one, other):
    found = numbers.of_range(Range(min(one, other), max(one, other)))
    for end in (one, other):
        code = end / found.scale + found.zero_point
        assert numbers.lowest - 1.001 <= code <= numbers.highest + 1.001


@given(ends, ends)
def test_symmetric_formats_have_the_zero_point_0(one, other):
    assert INT16.of_range(Range(min(one, other), max(one, other))).zero_point == 0
