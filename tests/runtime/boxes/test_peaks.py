"""CenterNet's boxes and its local maxima."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detlite.runtime.boxes.coding import BoxCoder, decode
from detlite.runtime.boxes.nms import Nms, suppress

CODER = BoxCoder(1.0, 1.0, 1.0, 1.0, coding="center_offset")


def test_offsets_and_sizes_count_in_cells():
    anchors = np.array([[0.5, 0.25, 0.1, 0.2]], np.float32)
    boxes = decode(np.array([[0.5, 1.0, 2.0, 1.0]], np.float32), anchors, CODER)
    np.testing.assert_allclose(boxes, [[0.45, 0.35, 0.65, 0.55]], atol=1e-6)


def test_a_negative_size_is_none():
    boxes = decode(np.array([[0.0, 0.0, -3.0, 2.0]], np.float32), np.ones((1, 4), np.float32), CODER)
    np.testing.assert_allclose(boxes, [[1.0, 0.0, 1.0, 2.0]])


def found(grid: list[list[float]], **settings: object) -> list[tuple[int, float]]:
    scores = np.asarray(grid, np.float32)
    nms = Nms(kind="peaks", cells=scores.shape, clip=False, **settings)  # type: ignore[arg-type]
    boxes = np.arange(scores.size, dtype=np.float32)[:, None].repeat(4, axis=1)
    kept = suppress(boxes, scores.reshape(-1, 1), nms)
    return [(int(box[0]), round(float(score), 4)) for box, score in zip(kept.boxes, kept.scores, strict=True)]


def test_of_two_neighbours_the_better_stays():
    assert found([[0.9, 0.8, 0.1, 0.7]]) == [(0, 0.9), (3, 0.7)]


def test_a_neighbour_across_a_corner_counts():
    assert found([[0.9, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 0.0]]) == [(0, 0.9)]


def test_the_ends_of_two_rows_are_no_neighbours():
    assert found([[0.0, 0.0, 0.9], [0.0, 0.0, 0.0], [0.8, 0.0, 0.0]]) == [(2, 0.9), (6, 0.8)]


def test_scores_under_the_threshold_are_left_out():
    assert found([[0.9, 0.0, 0.3]], score_threshold=0.5) == [(0, 0.9)]


def test_no_more_are_kept_than_are_wanted():
    assert found([[0.9, 0.0, 0.8, 0.0, 0.7]], max_detections=2) == [(0, 0.9), (2, 0.8)]


def test_each_class_has_its_own_maxima():
    scores = np.array([[0.9, 0.2], [0.8, 0.6]], np.float32)
    kept = suppress(np.zeros((2, 4), np.float32), scores, Nms(kind="peaks", cells=(1, 2)))
    assert kept.classes.tolist() == [0, 1]
    np.testing.assert_allclose(kept.scores, [0.9, 0.6])


@given(arrays(np.float32, (5, 6), elements=st.floats(0.125, 1, width=16)))
def test_the_best_of_all_is_always_kept(grid):
    assert found(grid.tolist())[0][1] == round(float(grid.max()), 4)
