"""Keypoints of a CenterNet: which peak of a heat map takes the place of a regressed keypoint."""

import numpy as np
import pytest

from detlite.runtime.boxes.keypoints import KeypointMaps, Snapping, keypoints_of
from detlite.runtime.errors import ContractError

ROWS = COLUMNS = 8
ONE = np.array([3 * COLUMNS + 3], np.intp)
BOX = np.array([[1.0, 1.0, 5.0, 5.0]], np.float32)


def maps(heat, *, start=(0.0, 0.0), offsets=None):
    """One keypoint: scores *heat* by (row, column), regressed to *start* from every cell."""
    scores = np.zeros((ROWS, COLUMNS, 1), np.float32)
    for place, score in heat.items():
        scores[place] = score
    regression = np.tile(np.array(start, np.float32), (ROWS * COLUMNS, 1))
    shifts = np.zeros((ROWS * COLUMNS, 2), np.float32) if offsets is None else offsets
    return KeypointMaps((ROWS, COLUMNS), scores.reshape(-1, 1), regression, shifts)


USUAL = Snapping()


def found(heat, snapping=USUAL, **more):
    return keypoints_of(maps(heat, **more), ONE, BOX, snapping)[0, 0].tolist()


def test_a_keypoint_is_where_it_is_regressed_to_when_no_peak_is_near():
    assert found({}, start=(0.5, -1.0)) == pytest.approx([3.5, 2.0, 0.1])


def test_a_keypoint_snaps_to_the_nearest_peak_and_takes_its_score():
    assert found({(3, 4): 0.5, (1, 1): 0.9}) == pytest.approx([3.0, 4.0, 0.5])


def test_a_peak_is_moved_by_the_offset_of_its_cell():
    offsets = np.full((ROWS * COLUMNS, 2), 9.0, np.float32)
    offsets[3 * COLUMNS + 4] = 0.25, -0.5
    assert found({(3, 4): 0.5}, offsets=offsets) == pytest.approx([3.25, 3.5, 0.5])


def test_each_keypoint_may_have_an_offset_of_its_own():
    scores = np.zeros((ROWS * COLUMNS, 2), np.float32)
    scores[3 * COLUMNS + 4] = 0.5
    offsets = np.tile(np.array([0, 0, 0.25, 0.25], np.float32), (ROWS * COLUMNS, 1))
    both = KeypointMaps((ROWS, COLUMNS), scores, np.zeros((ROWS * COLUMNS, 4), np.float32), offsets)
    assert keypoints_of(both, ONE, BOX, Snapping())[0, :, :2].tolist() == [[3.0, 4.0], [3.25, 4.25]]


def test_a_neighbour_of_a_higher_cell_is_no_peak():
    assert found({(3, 4): 0.5, (3, 5): 0.6}) == pytest.approx([3.0, 3.0, 0.1])


def test_a_peak_under_the_threshold_is_no_candidate():
    assert found({(3, 4): 0.5}, Snapping(score_threshold=0.6, unmatched_score=0.2)) == pytest.approx([3.0, 3.0, 0.2])


def test_a_peak_outside_the_enlarged_box_is_not_taken():
    wide = Snapping(search_scale=9.0)
    assert found({(6, 3): 0.5}, wide)[2] == pytest.approx(0.1)  # the box of 4 cells, times 1.2, ends at 5.4
    assert found({(6, 3): 0.5}, Snapping(search_scale=9.0, box_scale=1.5)) == pytest.approx([6.0, 3.0, 0.5])


def test_a_peak_further_than_the_enlarged_box_allows_is_not_taken():
    assert found({(3, 5): 0.5}, Snapping(search_scale=0.41))[2] == pytest.approx(0.1)  # 0.41 * 4.8 is under 2
    assert found({(3, 5): 0.5}, Snapping(search_scale=0.42))[2] == pytest.approx(0.5)


def test_only_the_best_peaks_of_a_heat_map_are_candidates():
    assert found({(3, 4): 0.5, (1, 1): 0.9}, Snapping(candidates=1))[2] == pytest.approx(0.1)


def test_a_ratio_prefers_a_better_peak_that_is_further_away():
    heat = {(3, 4): 0.2, (5, 3): 0.9}
    scaled = {"ranking": "score_scaled_distance_ratio", "search_scale": 0.5}
    assert found(heat, Snapping(search_scale=0.5))[2] == pytest.approx(0.2)
    assert found(heat, Snapping(ranking="score_distance_ratio", search_scale=0.5))[2] == pytest.approx(0.9)
    assert found(heat, Snapping(**scaled, distance_multiplier=1.0))[2] == pytest.approx(0.9)


def test_two_objects_may_snap_to_one_peak():
    cells = np.array([3 * COLUMNS + 3, 3 * COLUMNS + 5], np.intp)
    boxes = np.array([[1, 1, 5, 5], [1, 3, 5, 7]], np.float32)
    assert keypoints_of(maps({(3, 4): 0.5}), cells, boxes, Snapping())[:, 0, :2].tolist() == [[3, 4], [3, 4]]


def test_no_object_has_no_keypoints():
    nobody = keypoints_of(maps({(3, 4): 0.5}), np.zeros(0, np.intp), np.zeros((0, 4), np.float32), Snapping())
    assert nobody.shape == (0, 1, 3)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"ranking": "nearest"}, "the ranking of keypoints is 'nearest'; it must be one of min_distance"),
        ({"candidates": 0}, "0 candidates for a keypoint: want 1 to 100000"),
        ({"box_scale": -1.0}, "the scales of keypoints are .* want finite numbers of at least 0"),
        ({"unmatched_score": 2.0}, "keypoint scores of 0.1 and 2.0: want numbers of 0 to 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, error):
    with pytest.raises(ContractError, match=error):
        Snapping(**settings)
