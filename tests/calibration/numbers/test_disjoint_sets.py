import pytest

from detlite.calibration.numbers.disjoint_sets import DisjointSets


@pytest.fixture
def sets():
    made = DisjointSets()
    made.join(1, 2)
    made.join(3, 4)
    return made


def test_a_number_is_its_own_root_until_it_is_joined():
    assert DisjointSets().root(7) == 7


def test_the_root_of_the_first_stays(sets):
    sets.join(2, 4)
    assert [sets.root(index) for index in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_the_sets_of_more_than_one_are_told_by_their_root(sets):
    assert sets.joined() == {1: {1, 2}, 3: {3, 4}}


def test_joining_what_is_together_changes_nothing(sets):
    sets.join(2, 1)
    assert sets.joined() == {1: {1, 2}, 3: {3, 4}}
