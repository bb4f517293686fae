"""Labels of a classifier say whether its first output is the background."""

import pytest

from detlite.convert.labels.background import labels_of, with_background, without_background
from detlite.runtime.errors import InputError


def labels(tmp_path, lines):
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(lines))
    return file


def test_without_labels_1001_outputs_have_a_background():
    names, offset = without_background(None, "", 1001, {})
    assert (len(names), names[0], offset) == (1000, "class 1", 1)


def test_without_labels_other_outputs_have_none():
    names, offset = without_background(None, "", 5, {})
    assert (names, offset) == (("class 1", "class 2", "class 3", "class 4", "class 5"), 0)


@pytest.mark.parametrize(
    ("lines", "names", "offset"),
    [
        (["cat", "dog", "kite"], ("cat", "dog", "kite"), 0),
        (["background", "dog", "kite"], ("dog", "kite"), 1),
        (["???", "dog", "kite"], ("dog", "kite"), 1),
        (["dog", "kite"], ("dog", "kite"), 1),
    ],
)
def test_labels_come_with_and_without_the_background(tmp_path, lines, names, offset):
    assert without_background(*labels_of(labels(tmp_path, lines), None), 3, {}) == (names, offset)


def test_labels_beside_the_model_are_used(tmp_path):
    labels(tmp_path, ["cat", "dog"]).rename(tmp_path / "labels.txt")
    origin = {}
    assert without_background(*labels_of(None, tmp_path), 3, origin) == (("cat", "dog"), 1)
    assert origin["labels"] == "labels.txt beside the model"


def test_labels_that_fit_neither_way_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"mine.txt has 2 labels and the model 4 outputs: give one for each, or one"):
        without_background(*labels_of(labels(tmp_path, ["cat", "dog"]), None), 4, {})


@pytest.mark.parametrize("lines", [["background", "cat", "dog"], ["cat", "dog"]])
def test_a_segmenter_has_its_background_first(tmp_path, lines):
    assert with_background(*labels_of(labels(tmp_path, lines), None), 3, {}) == ("background", "cat", "dog")


def test_a_segmenter_without_labels_has_numbers():
    assert with_background(None, "", 3, {}) == ("background", "class 1", "class 2")


def test_labels_that_fit_no_segmenter_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"mine.txt has 2 labels and the model 21 outputs"):
        with_background(*labels_of(labels(tmp_path, ["cat", "dog"]), None), 21, {})
