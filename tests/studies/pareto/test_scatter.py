"""The Pareto plot: names that cover nothing, and the recommended cell marked."""

import pytest
from builders.studies import MadeCell, write_study

from detlite.studies.pareto.front import groups_of
from detlite.studies.pareto.page import study_of, to_page
from detlite.studies.pareto.rows import rows_of
from detlite.studies.pareto.scatter import Cost, scatter
from detlite.studies.sweep.saved_cells import saved_plans

CELLS = [MadeCell(f"a cell with a long name {number}", 30 + 0.2 * number, 10 + 2 * number) for number in range(6)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    return write_study(tmp_path / "study", CELLS)


@pytest.fixture
def plot(store):
    (group,) = groups_of(rows_of(store, saved_plans(store.root)))
    return scatter(group, Cost("latency, ms", lambda row: row.latency), taken="c0")


def test_no_name_covers_a_point(plot):
    fronts = [point for point in plot.points if "front" in point.kind]
    assert len(plot.labels) == len(fronts) > 3
    for label in plot.labels:
        length = 7.6 * len(label.text)
        start = label.x - length if label.anchor == "end" else label.x
        covered = [one for one in fronts if start < one.x < start + length and label.y - 12 < one.y < label.y + 3]
        assert covered == []


def test_the_recommended_cell_is_marked_and_drawn_last(plot):
    assert [point.kind for point in plot.points if "taken" in point.kind] == [plot.points[-1].kind]


def test_the_table_says_which_cell_is_recommended_and_which_is_not_distinguishable(store):
    page = to_page(study_of(store))
    assert page.count(">recommended</span>") == 1
    ties = study_of(store).groups[0].advice.tie_keys
    assert page.count(">not distinguishable</span>") == len(ties) > 0
