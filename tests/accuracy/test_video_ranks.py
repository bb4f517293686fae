"""By how much a classifier of videos is sure of its best class."""

import numpy as np
import pytest

from detlite.accuracy.video_ranks import margin
from detlite.runtime.boxes.scores import CONVERTERS
from detlite.runtime.tasks.classification import Ranking

LOGITS = np.array([-1.0, 2.5, 1.75, 0.0], np.float32)


@pytest.mark.parametrize("converter", ["SOFTMAX", "SIGMOID"])
def test_the_margin_is_that_of_the_logits_where_the_model_gives_scores_alone(converter):
    assert margin(Ranking(CONVERTERS[converter](LOGITS)), converter) == pytest.approx(0.75, abs=1e-5)


def test_logits_are_used_where_the_model_gives_them():
    assert margin(Ranking(np.array([0.5, 0.5], np.float32), logits=LOGITS), "SOFTMAX") == 0.75


@pytest.mark.parametrize("converter", ["SOFTMAX", "SIGMOID"])
def test_two_scores_that_were_rounded_to_one_end_lead_by_nothing(converter):
    assert margin(Ranking(np.array([1.0, 1.0, 0.0], np.float32)), converter) == 0


def test_a_single_class_has_no_other_to_lead():
    assert margin(Ranking(np.array([0.1], np.float32)), "SIGMOID") == float("inf")
