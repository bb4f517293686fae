"""How far one detector agrees with another."""

from dataclasses import replace

import numpy as np
import pytest
from builders.detection_cases import detected, invented
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.fidelity import fidelity
from detlite.runtime.errors import InputError

BOX, FAR = (10, 10, 20, 20), (60, 60, 20, 20)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_every_detector_agrees_wholly_with_itself(seed):
    _truth, found = invented(seed)
    agreement = fidelity(found, found)
    assert agreement.fidelity == pytest.approx(100)
    assert agreement.matched_count == agreement.reference_count == agreement.found_count


def test_one_of_two_found_again_is_half():
    reference = detected([(0, 0, BOX, 0.9), (1, 0, BOX, 0.8)])
    agreement = fidelity(detected([(0, 0, BOX, 0.5)]), reference)
    assert agreement.fidelity == pytest.approx(100 * 51 / 101)
    assert (agreement.reference_count, agreement.found_count, agreement.matched_count) == (2, 1, 1)


def test_what_the_reference_is_not_sure_of_is_no_truth():
    reference = detected([(0, 0, BOX, 0.9), (0, 0, FAR, 0.29)])
    agreement = fidelity(detected([(0, 0, BOX, 0.9)]), reference)
    assert (agreement.fidelity, agreement.reference_count) == (pytest.approx(100), 1)


def test_a_class_that_the_reference_did_not_find_is_left_out():
    found = detected([(0, 0, BOX, 0.9), (0, 1, FAR, 0.9)])
    agreement = fidelity(found, detected([(0, 0, BOX, 0.9)]))
    assert (agreement.fidelity, agreement.classes) == (pytest.approx(100), 1)


def test_the_same_box_of_another_class_is_not_found_again():
    agreement = fidelity(detected([(0, 1, BOX, 0.9)]), detected([(0, 0, BOX, 0.9)]))
    assert (agreement.fidelity, agreement.matched_count) == (0, 0)


def test_an_interval_is_drawn_when_asked_for():
    reference = detected([(0, 0, BOX, 0.9), (1, 0, BOX, 0.8)])
    interval = fidelity(detected([(0, 0, BOX, 0.5)]), reference, draws=50).interval
    assert interval is not None
    assert 0 <= interval.low < interval.high <= 100.0001


def test_a_reference_that_is_sure_of_nothing_is_no_reference():
    with pytest.raises(InputError, match=r"finds nothing with a score of at least 0\.3 in these 2 images"):
        fidelity(detected([]), detected([(0, 0, BOX, 0.1)]))


def test_other_images_cannot_be_compared():
    reference = detected([(0, 0, BOX, 0.9)])
    with pytest.raises(InputError, match="did not see the same images"):
        fidelity(replace(detected([]), sizes=np.array([[1, 1], [2, 2]])), reference)
