"""By how much a classifier of videos is sure of its best class."""

import numpy as np
import pytest

from detlite.accuracy.classification import logits_of
from detlite.accuracy.video_ranks import SpacedRows, margin
from detlite.runtime.boxes.scores import CONVERTERS

LOGITS = np.array([-1.0, 2.5, 1.75, 0.0], np.float32)


@pytest.mark.parametrize("converter", ["SOFTMAX", "SIGMOID"])
def test_the_margin_is_that_of_the_logits_where_the_model_gives_scores_alone(converter):
    assert margin(logits_of(CONVERTERS[converter](LOGITS), converter)) == pytest.approx(0.75, abs=1e-5)


@pytest.mark.parametrize("converter", ["SOFTMAX", "SIGMOID"])
def test_two_scores_that_were_rounded_to_one_end_lead_by_nothing(converter):
    assert margin(logits_of(np.array([1.0, 1.0, 0.0], np.float32), converter)) == 0


def test_a_single_class_has_no_other_to_lead():
    assert margin(logits_of(np.array([0.1], np.float32), "SIGMOID")) == float("inf")


@pytest.mark.parametrize(("count", "kept"), [(3, [0, 1, 2]), (4, [0, 1, 2, 3]), (5, [0, 2, 4]), (9, [0, 4, 8])])
def test_the_rows_that_are_kept_are_evenly_spaced(count, kept):
    rows = SpacedRows(4)
    for number in range(count):
        rows.add(np.array([number], np.float32))
    assert [int(row[0]) for row in rows.kept] == kept
