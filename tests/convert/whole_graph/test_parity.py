"""The tolerance of a conversion by tf2onnx."""

import pytest

from detlite.convert.whole_graph.parity import OutputParity, check_parity
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
