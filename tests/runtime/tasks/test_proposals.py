"""A detector whose anchors are proposals of its own."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract

from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.inputs import Fit, ImageInput
from detlite.runtime.tasks.detection import Detection, crops_regions, has_proposals, has_raw_heads
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tensors import Output

WHOLE = Fit((10, 10), (10, 10), 0, 0, 10, 10)
IMAGE = ImageInput("image", 10, 10, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "tf1_bilinear")
NMS = Nms(score_threshold=0.0, iou_threshold=0.6)


def task(nms=NMS, anchors=0):
    return Detection(np.zeros((anchors, 4), np.float32), BoxCoder(), "SOFTMAX", "model", 1, nms)


def contract(codes=(1, 3, 2, 4), proposals=(1, 3, 4), **settings):
    shapes = {"box_encodings": codes, "class_scores": (1, 3, 3), "proposals": proposals}
    outputs = tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(shapes.items()))
    return Contract((IMAGE,), outputs, ("cat", "dog"), task(**settings))


def heads():
    proposals = np.array([(0.2, 0.2, 0.6, 0.6), (0.5, 0.5, 1.0, 1.0), (0, 0, 0, 0)], np.float32)
    codes = np.zeros((3, 2, 4), np.float32)
    codes[0, 1] = (10 * 0.5, 0, 0, 0)  # the dog is half a height further down
    scores = np.array([(0.1, 0.7, 0.2), (0.5, 0.1, 0.4), (0, 1, 0)], np.float32)
    return {"proposals": proposals, "box_encodings": codes, "class_scores": scores}


def test_each_class_has_a_box_of_its_own_in_each_proposal():
    found = task().result(heads(), ("cat", "dog"), WHOLE)
    assert found.classes.tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(found.scores, [0.7, 0.4, 0.2, 0.1])
    wanted = [(0.2, 0.2, 0.6, 0.6), (0.5, 0.5, 1, 1), (0.4, 0.2, 0.8, 0.6), (0.5, 0.5, 1, 1)]
    np.testing.assert_allclose(found.boxes, wanted, atol=1e-6)


def test_a_proposal_without_an_area_is_none():
    assert 1.0 not in task().result(heads(), ("cat", "dog"), WHOLE).scores


def test_one_box_may_be_that_of_all_classes():
    shared = {**heads(), "box_encodings": np.zeros((3, 4), np.float32)}
    found = task().result(shared, ("cat", "dog"), WHOLE)
    np.testing.assert_allclose(found.boxes[0], found.boxes[2])


def test_the_contract_is_of_version_3_and_read_as_it_was_written():
    text = contract().to_json()
    assert '"schema_version": 3' in text
    again = contract_from_json(text)
    assert again.to_json() == text
    assert again.roles == ("box_encodings", "class_scores", "proposals")


def test_such_a_detector_is_told_from_others():
    assert has_proposals(contract())
    assert not has_proposals(tiny_contract())
    assert (crops_regions(contract()), crops_regions(tiny_contract())) == (True, False)


def test_masks_beside_boxes_are_of_a_network_that_crops_regions_and_have_no_op():
    shapes = {"boxes": (1, 5, 4), "classes": (1, 5), "scores": (1, 5), "count": (1,), "masks": (1, 5, 3, 3)}
    outputs = tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(shapes.items()))
    masked = Contract((IMAGE,), outputs, ("cat", "dog"), Instances(task(replace(NMS, place="model")), (3, 3)))
    assert (crops_regions(masked), has_raw_heads(masked)) == (True, True)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"anchors": 3}, "has no anchors, and regular NMS"),
        ({"nms": Nms(kind="fast")}, "has no anchors, and regular NMS"),
        ({"codes": (1, 3, 3, 4)}, "3 proposals and 2 labels"),
        ({"codes": (1, 2, 4)}, "3 proposals and 2 labels"),
        ({"proposals": (3,)}, r"output proposals has shape \(3,\); want \(1, proposals, 4\)"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(changes, text):
    with pytest.raises(ContractError, match=text):
        contract(**changes)
