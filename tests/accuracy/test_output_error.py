"""The error of raw outputs: which values count, and what they say."""

import numpy as np
import pytest
from builders.float_detector import ANCHORS, contract
from builders.tiny_classifier import classifier_contract
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.output_error import mean_error, output_error, sure_outputs


def heads(scores=0.001, boxes=0.0):
    """The heads of a detector of three classes and a background that finds nothing, or the same score everywhere."""
    return {
        "box_encodings": np.full((ANCHORS, 4), boxes, np.float32),
        "class_scores": np.full((ANCHORS, 4), scores, np.float32),
    }


def error(wanted, found):
    return output_error([sure_outputs(contract(), wanted).errors(found)]).heads


def found_one(score, background=0.5):
    made = heads()
    made["class_scores"][7, 2] = score
    made["class_scores"][9, 0] = background
    return made


def test_the_logit_of_a_sure_class_counts():
    want, got = found_one(0.5), found_one(0.5)
    got["class_scores"][7, 2] = 1 / (1 + np.exp(-0.25))
    assert error(want, got)["class_scores"].rms == pytest.approx(0.25)


def test_the_background_and_unsure_classes_do_not_count():
    want, got = found_one(0.5), found_one(0.5)
    got["class_scores"][9, 0] = got["class_scores"][8, 1] = 0.09
    assert error(want, got)["class_scores"].rms == 0


def test_only_the_boxes_of_sure_anchors_count():
    want, got = found_one(0.5), found_one(0.5)
    got["box_encodings"][7] = (0.1, 0.1, 0.1, 0.1)
    got["box_encodings"][8] = 9.0
    assert error(want, got)["box_encodings"].rms == pytest.approx(0.1)


def test_where_nothing_is_sure_the_best_class_counts():
    want = heads()
    want["class_scores"][3, 1] = 0.05
    assert error(want, heads())["class_scores"].count.tolist() == [1]


def test_scores_beyond_the_last_step_of_int8_are_alike():
    want, got = found_one(0.99999), found_one(255 / 256)
    assert error(want, got)["class_scores"].rms == pytest.approx(0, abs=1e-6)


def test_decibels_are_signal_over_error():
    want, got = found_one(0.5), found_one(0.5)
    want["box_encodings"][7], got["box_encodings"][7] = 2.0, 2.2
    assert error(want, got)["box_encodings"].db == pytest.approx(20, abs=1e-4)


def test_a_classifier_has_the_logits_of_its_sure_classes():
    want, got = np.array([0.7, 0.2, 0.05, 0.05, 0.0, 0.0], np.float32), np.array([0.7, 0.3, 0.0, 0, 0, 0], np.float32)
    made = sure_outputs(classifier_contract(), {"class_scores": want}).errors({"class_scores": got})
    noise, _signal, count = made["class_scores"]
    assert count == 2
    assert noise == pytest.approx((np.log(0.3 / 0.7) - np.log(0.2 / 0.8)) ** 2, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(score=st.floats(0, 1, width=32), boxes=st.floats(-5, 5, width=32))
def test_a_model_has_no_error_against_itself(score, boxes):
    made = heads(score, boxes)
    assert {one.rms for one in error(made, made).values()} == {0.0}


def test_the_mean_of_two_errors_is_that_of_their_squares():
    want, near, far = found_one(0.5), found_one(0.5), found_one(0.5)
    near["box_encodings"][7], far["box_encodings"][7] = 0.3, 0.4
    sure = sure_outputs(contract(), want)
    whole = mean_error([output_error([sure.errors(one)]) for one in (near, far)])
    assert whole.heads["box_encodings"].rms == pytest.approx(np.sqrt((0.09 + 0.16) / 2), rel=1e-6)


def test_a_record_has_the_interval_over_the_images():
    want, got = found_one(0.5), found_one(0.5)
    want["box_encodings"][7], got["box_encodings"][7] = 1.0, 1.1
    sure = sure_outputs(contract(), want)
    record = output_error([sure.errors(got), sure.errors(want)]).to_record()
    assert record["images"] == 2
    assert record["boxes"] == {"rms": 0.07071, "low": 0.0, "high": 0.1, "db": 23.01}  # 8 over 4 * 0.1 ** 2


def test_the_gain_has_the_interval_of_the_mean_over_the_images_however_large_one_error_is():
    want, near, far = found_one(0.5), found_one(0.5), found_one(0.5)
    near["box_encodings"][7], far["box_encodings"][7] = 0.1, 1.0
    sure = sure_outputs(contract(), want)
    before = output_error([sure.errors(near), sure.errors(far)])
    near["box_encodings"][7], far["box_encodings"][7] = 0.05, 1.1
    after = output_error([sure.errors(near), sure.errors(far)])
    gain = after.gain_db(before)
    assert (gain.low, gain.high) == pytest.approx((-10 * np.log10(1.21), 10 * np.log10(4)), rel=1e-4)
    assert after.db < before.db
