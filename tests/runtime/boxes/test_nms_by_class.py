"""Suppression where each class has boxes of its own."""

import numpy as np

from detlite.runtime.boxes.nms import Nms
from detlite.runtime.boxes.nms_by_class import suppress_by_class

NMS = Nms(score_threshold=0.0, iou_threshold=0.5, max_detections=10, detections_per_class=10)
LEFT, RIGHT, BEYOND = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0), (0.25, 1.0, 0.75, 1.5)


def boxes(*rows):
    return np.array(rows, np.float32)


def scores(*rows):
    return np.array(rows, np.float32)


def test_a_box_suppresses_those_of_its_own_class_alone():
    kept = suppress_by_class([boxes(LEFT, LEFT), boxes(LEFT, RIGHT)], scores((0.9, 0.8), (0.7, 0.6)), NMS)
    assert kept.classes.tolist() == [0, 1, 1]
    assert kept.rows.tolist() == [0, 0, 1]
    assert kept.boxes.tolist() == boxes(LEFT, LEFT, RIGHT).tolist()


def test_one_array_of_boxes_is_that_of_every_class():
    kept = suppress_by_class([boxes(LEFT, RIGHT)], scores((0.9, 0.2), (0.1, 0.8)), NMS)
    assert list(zip(kept.classes.tolist(), kept.rows.tolist(), strict=True)) == [(0, 0), (1, 1), (1, 0), (0, 1)]


def test_a_box_that_is_outside_the_image_is_dropped():
    kept = suppress_by_class([boxes(BEYOND, LEFT)], scores((0.9,), (0.8,)), NMS)
    assert kept.rows.tolist() == [1]


def test_a_box_outside_the_image_suppresses_before_it_is_dropped():
    near = (0.25, 0.9, 0.75, 1.5)
    kept = suppress_by_class([boxes(BEYOND, near)], scores((0.9,), (0.8,)), NMS)
    assert kept.rows.tolist() == []


def test_the_best_of_all_classes_are_kept():
    limited = Nms(score_threshold=0.0, iou_threshold=0.5, max_detections=2, detections_per_class=1)
    kept = suppress_by_class([boxes(LEFT, RIGHT)], scores((0.9, 0.1), (0.8, 0.7)), limited)
    assert kept.classes.tolist() == [0, 1]
    assert kept.rows.tolist() == [0, 1]


def test_no_proposal_gives_no_detection():
    kept = suppress_by_class([np.zeros((0, 4), np.float32)], np.zeros((0, 2), np.float32), NMS)
    assert len(kept.scores) == 0


def test_boxes_are_clipped_to_the_window_of_the_image():
    kept = suppress_by_class([boxes((0.25, 0.25, 0.75, 0.75), RIGHT)], scores((0.9,), (0.8,)), NMS, (0, 0, 0.5, 1))
    assert kept.boxes.tolist() == [[0.25, 0.25, 0.5, 0.75]]  # the other has no area left
