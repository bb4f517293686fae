"""Masks of instances: pasted into the image, tied to their boxes, and what is refused."""

import numpy as np
import pytest
from builders.tiny_tasks import tiny_task

from detlite.convert.model import session_of
from detlite.runtime.errors import ContractError
from detlite.runtime.tasks.detection import Detections
from detlite.runtime.tasks.instances import InstanceMasks
from detlite.runtime.tensors import Output


def instance(box, cells, size=(8, 8), threshold=0.5):
    found = Detections(np.array([box], np.float32), np.zeros(1, np.int64), np.ones(1, np.float32))
    return InstanceMasks(found, np.array([cells], np.float16), size, threshold)


def flat_outputs():
    """A detector's finished outputs and masks, whose boxes have no axis of their own."""
    roles = ("boxes", "classes", "scores", "count", "masks")
    return tuple(Output(role, role, number, (40,), "float32") for number, role in enumerate(roles))


def test_a_full_mask_fills_its_box():
    mask = instance((0.25, 0.5, 0.75, 1.0), [[1, 1], [1, 1]]).mask(0)
    assert np.argwhere(mask).min(axis=0).tolist() == [2, 4]
    assert np.argwhere(mask).max(axis=0).tolist() == [5, 7]
    assert mask.sum() == 16


def test_half_a_mask_fills_half_its_box():
    mask = instance((0, 0, 1, 1), [[1, 0], [1, 0]]).mask(0)
    assert mask.sum(axis=0).tolist() == [8, 8, 8, 8, 0, 0, 0, 0]


def test_cells_are_interpolated_between_their_centres():
    mask = instance((0, 0, 1, 1), [[1, 0]], size=(1, 8), threshold=0.8).mask(0)
    assert mask[0].tolist() == [True] * 3 + [False] * 5


@pytest.mark.parametrize("box", [(-1, -1, 2, 2), (0.9, 0.9, 1.5, 1.5), (2, 2, 3, 3), (0.5, 0.5, 0.5, 0.5)])
def test_a_box_that_leaves_the_image_is_cut_there(box):
    mask = instance(box, [[1, 1], [1, 1]]).mask(0)
    assert mask.shape == (8, 8)
    assert mask.any() == (box[0] < 1 and box[2] > box[0])


def test_each_detection_has_the_mask_of_its_anchor():
    session = session_of(tiny_task("instances"))
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    found = session.run(image)
    heads = session.heads()
    assert len(found.masks) == len(found.detections.scores) > 1
    anchors = [
        int(np.flatnonzero(np.isclose(heads["class_scores"][:, 1 + number], score, rtol=0, atol=0))[0])
        for number, score in zip(found.detections.classes, found.detections.scores, strict=True)
    ]
    np.testing.assert_array_equal(found.masks, heads["masks"][anchors].astype(np.float16))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c.with_task(mask_size=(3, 4)), r"masks has shape \(1, 64, 4, 4\); 64 boxes, masks of \(3, 4\)"),
        (lambda c: c.with_task(mask_size=(0, 4)), r"masks of \(0, 4\) cells"),
        (lambda c: c.with_task(threshold=1.0), "a mask threshold of 1.0"),
        (lambda c: type(c)(c.inputs, c.outputs[:2], c.labels, c.task), "'masks'"),
        (
            lambda c: type(c)(c.inputs, flat_outputs(), c.labels, c.task),
            r"output boxes has shape \(40,\); want \(1, boxes, 4\)",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, error):
    with pytest.raises(ContractError, match=error):
        change(tiny_task("instances").contract)
