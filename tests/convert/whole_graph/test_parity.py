"""The tolerance of a conversion by tf2onnx."""

import numpy as np
import pytest

from detlite.convert.whole_graph.parity import OutputParity, check_parity, difference
from detlite.runtime.errors import FindingError


@pytest.mark.parametrize(
    ("difference", "largest", "is_within"),
    [(0.001, 0.5, True), (0.0011, 0.5, False), (0.1, 100, True), (0.11, 100, False)],
)
def test_the_tolerance_is_relative_to_values_over_1(difference, largest, is_within):
    assert OutputParity("boxes", difference, largest).is_within(0.001) is is_within


def test_an_output_that_differs_is_named_with_its_figures():
    parity = [OutputParity("boxes", 1e-6, 1), OutputParity("scores", 0.25, 0.9)]
    with pytest.raises(
        FindingError,
        match=r"output scores differs from TensorFlow's by up to 0.25, and its values go to 0.9: over the tolerance of "
        r"0.001; nothing was written",
    ):
        check_parity(parity, 0.001)


def test_infinities_and_nans_in_the_same_places_do_not_count():
    want, got = np.array([1.0, np.inf, np.nan, -4.0]), np.array([1.5, np.inf, np.nan, -4.0])
    assert difference("scores", want, got) == (0.5, 4.0)


@pytest.mark.parametrize("got", [-np.inf, np.nan, 3.0])
def test_something_else_in_the_place_of_an_infinity_is_a_finding(got):
    with pytest.raises(FindingError, match="output scores has other infinities or NaNs than TensorFlow's; nothing was"):
        difference("scores", np.array([1.0, np.inf]), np.array([1.0, got]))


def test_another_shape_is_a_finding():
    with pytest.raises(FindingError, match=r"output scores is \(3,\) in ONNX, and \(2,\) in TensorFlow"):
        difference("scores", np.zeros(2), np.zeros(3))
