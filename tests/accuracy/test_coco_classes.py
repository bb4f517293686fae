"""Which category a class is."""

import pytest

from detlite.accuracy.classes import ClassMap, class_map
from detlite.runtime.errors import InputError


def test_classes_are_matched_by_name_in_any_order():
    assert class_map(("dog", "person"), ((1, "person"), (18, "dog"))) == ClassMap((18, 1), "name")


@pytest.mark.parametrize("gap", ["???", "n/a", ""])
def test_the_gaps_of_ninety_labels_have_no_category(gap):
    found = class_map(("a", gap, "b", gap), ((1, "a"), (3, "b")))
    assert (found.category_ids, found.classes_left_out) == ((1, -1, 3, -1), 2)


def test_case_and_blanks_do_not_count():
    assert class_map((" Person",), ((7, "person"),)).category_ids == (7,)


@pytest.mark.parametrize("labels", [("???",) * 3, ("1", "2", "3"), ("class 0", "class 1", "class 2")])
def test_classes_without_names_are_matched_by_position(labels):
    assert class_map(labels, ((1, "a"), (3, "c"))) == ClassMap((1, -1, 3), "position")


def test_a_category_that_no_label_is_called_is_shown():
    with pytest.raises(
        InputError, match=r"category 2 is 'cat', which no label of the model is called \(the model has 'bird' there\)"
    ):
        class_map(("dog", "bird"), ((1, "dog"), (2, "cat")))


def test_a_category_past_nameless_classes_is_shown():
    with pytest.raises(InputError, match=r"category 3 \('c'\) is none of the model's 2 classes"):
        class_map(("???", "???"), ((3, "c"),))


def test_a_label_that_stands_twice_is_refused():
    with pytest.raises(InputError, match="label 'dog' belongs to classes 0 and 1"):
        class_map(("dog", "dog"), ((1, "dog"),))


def test_a_label_that_stands_twice_does_no_harm_where_nothing_is_called_so():
    assert class_map(("crane", "jay", "crane"), ((1, "jay"),)).category_ids == (-1, 1, -1)


def test_two_categories_of_one_name_are_refused():
    with pytest.raises(InputError, match="two categories are called 'Dog'"):
        class_map(("dog",), ((1, "dog"), (2, "Dog")))
