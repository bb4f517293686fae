"""Detections with keypoints: what a contract must say, and where keypoints are in an image."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tasks import POINTS, tiny_task

from detlite.runtime.errors import ContractError
from detlite.runtime.image.draw import drawn
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.session import postprocess
from detlite.runtime.task import Found, Keypoint
from detlite.runtime.tasks.keypoints import HEAT, OFFSETS, REGRESSION, Keypoints, Skeleton

CELLS, CELL = 64, 2 * 8 + 4


def heads(klass, *, start=(0.0, 0.0), size=2.0):
    """One object of *klass* in row 2, column 4 of 8 x 8, whose keypoints are regressed to *start*."""
    made = {
        "box_encodings": np.zeros((CELLS, 4), np.float32),
        "class_scores": np.zeros((CELLS, 3), np.float32),
        HEAT: np.zeros((CELLS, 2), np.float32),
        REGRESSION: np.tile(np.array(start, np.float32), (CELLS, 2)),
        OFFSETS: np.zeros((CELLS, 4), np.float32),
    }
    made["box_encodings"][CELL, 2:] = size
    made["class_scores"][CELL, klass] = 0.9
    return made


def contract(**settings):
    made = tiny_task("keypoints").contract
    task = made.task
    assert isinstance(task, Keypoints)
    return replace(made, task=replace(task, **settings)) if settings else made


def test_keypoints_are_parts_of_the_image():
    found = list(postprocess(heads(0, start=(0.0, 1.0)), contract()).above(0.5))
    assert [point.label for point in found[0].points] == list(POINTS)
    assert found[0].points[0][1:] == pytest.approx((0.25, 0.625, 0.1))


def test_an_object_of_another_class_has_no_keypoints():
    found = list(postprocess(heads(1), contract()).above(0.5))
    assert [(one.number, one.points) for one in found] == [(1, ())]


def test_keypoints_are_not_clipped_to_the_image():
    assert next(postprocess(heads(0, start=(-4.0, 0.0)), contract()).above(0.5)).points[0].y == pytest.approx(-0.25)


def test_a_task_may_clip_them_and_then_they_score_nothing():
    snapping = replace(contract().task.snapping, clips=True)
    point = next(postprocess(heads(0, start=(-4.0, 0.0)), contract(snapping=snapping)).above(0.5)).points[0]
    assert (point.y, point.score) == (0.0, 0.0)


def test_padding_is_no_part_of_the_image():
    padded = tiny_task("keypoints", letterbox=Letterbox()).contract
    result = postprocess(heads(0, start=(1.0, 0.0)), padded, (10, 20))  # the image fills the upper half of the input
    assert next(result.above(0.5)).points[0][1:3] == pytest.approx((0.75, 0.5))


def test_logits_of_keypoints_are_converted_on_the_host():
    made = contract()
    task = replace(made.task, detection=replace(made.task.detection, score_converter_place="host"))
    raw = heads(0)
    raw["class_scores"][:], raw["class_scores"][CELL, 0], raw[HEAT][:] = -9, 2, -9
    raw[HEAT][CELL] = 0.0
    assert next(postprocess(raw, replace(made, task=task)).above(0.5)).points[0].score == pytest.approx(0.5)


def test_a_picture_has_lines_between_keypoints():
    image = np.full((200, 200, 3), 255, np.uint8)
    points = (Keypoint("a", 0.5, 0.25, 0.9), Keypoint("b", 0.5, 0.75, 0.9))
    one = Found("person", 0, 0.9, (0.1, 0.1, 0.9, 0.9), points)
    joined, apart = drawn(image, (one,), (), ((0, 1),)), drawn(image, (one,))
    half = joined.shape[0] // 2
    assert (joined[half, half] != 255).any()
    assert (apart[half, half] == 255).all()
    assert (apart[half, half // 2] != 255).any()


@pytest.mark.parametrize(
    ("skeleton", "error"),
    [
        ((0, ("nose", "nose")), "want different names, at least one"),
        ((0, ()), "want different names, at least one"),
        ((0, ("nose",), ((0, 1),)), r"class 0 has 1 keypoint and the edges \(\(0, 1\),\): want places of them"),
    ],
)
def test_a_skeleton_that_is_none_is_refused(skeleton, error):
    with pytest.raises(ContractError, match=error):
        Skeleton(*skeleton)


@pytest.mark.parametrize(
    ("skeleton", "error"),
    [
        (Skeleton(9, POINTS), "keypoints of class 9, and 3 labels: want one of them"),
        (Skeleton(0, ("nose",)), r"output keypoint_scores has shape \(1, 64, 2\); 64 cells and 1 keypoint want"),
    ],
)
def test_a_contract_whose_outputs_do_not_fit_is_refused(skeleton, error):
    with pytest.raises(ContractError, match=error):
        contract(skeleton=skeleton)
