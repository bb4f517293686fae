from __future__ import annotations

import pytest

from detlite.runtime.counts import agreed, counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (2, "query", "2 queries"),
        (3, "array", "3 arrays"),
        (2, "class", "2 classes"),
        (2, "box", "2 boxes"),
        (2, "batch", "2 batches"),
        (12, "calibration image", "12 calibration images"),
    ],
)
def test_a_noun_goes_with_its_number(number, noun, text):
    assert counted(number, noun) == text


def test_several_have_the_words_given_for_them():
    assert counted(1, "axis", "axes") == "1 axis"
    assert counted(2, "axis", "axes") == "2 axes"
    assert counted(2, "image is", "images are") == "2 images are"


def test_a_verb_goes_with_its_number():
    assert [agreed(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]
