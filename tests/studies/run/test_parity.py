"""How far a float model may be from its graph."""

import numpy as np
import pytest

from detlite.studies.run.parity import compare_heads, differences_text


def heads(boxes, scores):
    return {
        "box_encodings": np.full((1, 4, 4), boxes, np.float32),
        "class_scores": np.full((1, 4, 3), scores, np.float32),
    }


@pytest.mark.parametrize(("difference", "passed"), [(0.0009, True), (0.0011, False)])
def test_heads_may_differ_by_a_thousandth(difference, passed):
    found = compare_heads(heads(1.0, 0.5 + difference), heads(1.0, 0.5))
    assert found["class_scores_max_difference"] == pytest.approx(difference, rel=1e-3)
    assert (found["passed"], found["tolerance"]) == (passed, 0.001)


def test_sizes_of_hundreds_of_pixels_may_differ_by_a_hundredth():
    want, got = {"sizes": np.full((1, 4), 300, np.float32)}, {"sizes": np.full((4, 1), 300.02, np.float32)}
    assert compare_heads(got, want)["passed"]


def test_the_differences_are_told_by_head():
    found = compare_heads(heads(1.5, 0.5), heads(1.0, 0.5))
    assert differences_text(found) == "box encodings by up to 0.5, scores by up to 0"
