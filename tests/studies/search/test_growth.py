"""What is said of a stream whose error grows."""

import pytest

from detlite.studies.search.growth import Growth, TensorGrowth

TENSORS = (
    TensorGrowth("a;fused", "CONV_2D", (30.0, 28.0, 28.0, 20.0), 2.0),
    TensorGrowth("b", "MUL", (30.0, 28.0, 28.0, 12.0), 8.0),
)


def grown(*outputs: float) -> Growth:
    return Growth((1, 20, 100, 300)[: len(outputs)], outputs, (), TENSORS)


def test_an_error_that_grows_is_said_to_grow():
    said = grown(13.0, 22.0, 21.0, 14.0).verdict
    assert said == (
        "The error grows by 7.0 dB up to frame 300, where the outputs have 14.0 dB; there MUL b loses most, 8.0 dB."
    )


@pytest.mark.parametrize("outputs", [(13.0, 22.0, 21.0, 19.5), (13.0, 22.0), (13.0,)])
def test_an_error_that_hardly_changes_does_not_grow(outputs):
    assert grown(*outputs).verdict.startswith(
        f"The error does not grow up to frame {(1, 20, 100, 300)[len(outputs) - 1]}"
    )


def test_a_stream_whose_operators_are_all_exact_blames_none():
    found = Growth((1, 20), (40.0, 40.0), (), ())
    assert found.verdict == (
        "The error does not grow up to frame 20, where the outputs have 40.0 dB; no operator of integers has an error "
        "of its own."
    )
