"""Fronts and recommendations: paired differences, intervals, and what never dominates."""

import pytest
from builders.studies import MadeCell, write_study

from detlite.studies.pareto.front import groups_of
from detlite.studies.pareto.page import study_of
from detlite.studies.pareto.recommend import recommend
from detlite.studies.pareto.rows import rows_of
from detlite.studies.store.condition import ANY, parse_condition
from detlite.studies.sweep.saved_cells import saved_plans


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return the groups of a study with some cells."""
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))

    def made(*cells):
        store = write_study(tmp_path / "study", cells)
        return groups_of(rows_of(store, saved_plans(store.root)))

    return made


def front(group):
    return [row.label for row in group.rows if row.key in group.front]


def test_a_cell_that_is_slower_and_less_accurate_is_dominated(groups):
    (group,) = groups(MadeCell("good", 30, 10), MadeCell("bad", 25, 20), MadeCell("fast", 20, 5))
    assert front(group) == ["good", "fast"]


def test_overlapping_intervals_do_not_hide_a_paired_difference(groups):
    (group,) = groups(MadeCell("good", 30.5, 10), MadeCell("bad", 30, 20))
    first, second = group.rows
    assert first.accuracy.low < second.accuracy.high  # the intervals overlap: the images are the same
    assert front(group) == ["good"]


def test_what_is_not_distinguishable_in_accuracy_nor_in_speed_stays(groups):
    (group,) = groups(MadeCell("one", 30.05, 10, noise=2), MadeCell("other", 30, 10.1, noise=2))
    assert front(group) == ["one", "other"]


@pytest.mark.parametrize("void", [{"reasons": ("drift",)}, {"simulated": True}])
def test_an_invalid_or_simulated_cell_never_dominates(groups, void):
    (group,) = groups(MadeCell("void", 40, 1, **void), MadeCell("real", 30, 10))
    assert front(group) == ["real"]
    assert recommend(group, ANY).cell.label == "real"


def test_devices_and_image_sets_are_never_joined(groups):
    found = groups(MadeCell("a", 30, 10), MadeCell("b", 30, 10, device="orin"), MadeCell("c", 30, 10, images=20))
    assert [(group.device, len(group.rows)) for group in found] == [("host", 1), ("host", 1), ("orin", 1)]


def test_a_limit_holds_by_the_bad_end_of_the_interval(groups):
    (group,) = groups(MadeCell("close", 30, 29.8), MadeCell("safe", 25, 20))
    advice = recommend(group, parse_condition("latency_p90_ms<30"))
    assert advice.cell.label == "safe"  # 29.8 may be 30.4
    assert "within latency_p90_ms < 30" in advice.reason


def test_of_equals_the_smallest_is_taken_and_the_others_are_named(groups):
    (group,) = groups(
        MadeCell("large", 30.1, 10, size_bytes=9_000_000, noise=2),
        MadeCell("small", 30, 12, noise=2),
        MadeCell("x", 9, 1),
    )
    advice = recommend(group, ANY)
    assert (advice.cell.label, advice.ties) == ("small", ("large",))
    assert "smallest of those that are not distinguishable in map (large), of 3 cells" in advice.reason
    assert ". The fastest of them is large: map 30.1 [" in advice.reason


def test_the_fastest_of_equals_is_not_named_where_its_speed_is_not_distinguishable(groups):
    cells = [MadeCell("large", 30.1, 10, size_bytes=9_000_000, noise=2), MadeCell("small", 30, 10.1, noise=2)]
    (group,) = groups(*cells)
    assert recommend(group, ANY).cell.label == "small"
    assert "The fastest of them" not in recommend(group, ANY).reason


def test_where_nothing_keeps_the_limit_that_is_said(groups):
    (group,) = groups(MadeCell("a", 30, 10))
    advice = recommend(group, parse_condition("map>=50"))
    assert advice.cell is None
    assert advice.reason == "No cell of 1 keeps map >= 50 with the bad end of its interval."


def test_a_simulated_device_recommends_nothing(groups):
    (group,) = groups(MadeCell("a", 30, 10, simulated=True))
    assert recommend(group, ANY).reason == "The device is simulated: its figures recommend nothing."


def test_the_gates_of_the_plan_hold_in_the_study(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    cells = [MadeCell("accurate", 30, 50), MadeCell("fast", 20, 5)]
    store = write_study(tmp_path / "study", cells, gates=parse_condition("latency_p90_ms<30"))
    (view,) = study_of(store).groups
    assert view.advice.cell.label == "fast"


@pytest.mark.parametrize(("protocol", "unit"), [({"views": {"clips": 1}}, "videos"), ({}, "images")])
def test_a_score_is_of_images_or_of_videos(groups, protocol, unit):
    (group,) = groups(MadeCell("a", 20, 10, protocol=protocol))
    assert f"coco on 150 {unit} of val" in group.rows[0].conditions
