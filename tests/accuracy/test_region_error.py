"""The error of regions: of those that two models both have, whatever their rows."""

import numpy as np
import pytest

from detlite.accuracy.region_error import region_error
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tensors import Output

IMAGE = ImageInput("image", 10, 10, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "tf1_bilinear")
TASK = Detection(np.zeros((0, 4), np.float32), BoxCoder(), "SOFTMAX", "model", 1, Nms(score_threshold=0.0))
LOGIT_OF_HALF, LOGIT_OF_8_TENTHS = 0.0, np.log(4)


def contract(task, shapes):
    outputs = tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(shapes.items()))
    return Contract((IMAGE,), outputs, ("cat", "dog"), task)


PROPOSALS = contract(TASK, {"box_encodings": (1, 3, 2, 4), "class_scores": (1, 3, 3), "proposals": (1, 3, 4)})
MASKED = contract(
    Instances(TASK, (2, 2)),
    {"boxes": (1, 2, 4), "classes": (1, 2), "scores": (1, 2), "count": (1,), "masks": (1, 2, 2, 2)},
)


def heads(*rows, moved=0.0, score=0.5):
    """Two regions and a row without one, in the order *rows*; each says 0.5 of the cat, its best class."""
    proposals = np.array([(0, 0, 0.4, 0.4), (0.5, 0.5, 1, 1), (0, 0, 0, 0)], np.float32)
    codes = np.zeros((3, 2, 4), np.float32)
    codes[:, 0, 0] = moved * 10
    scores = np.array([(0.4, score, 0.1), (0.4, score, 0.1), (0, 1, 0)], np.float32)
    order = list(rows)
    return {"proposals": proposals[order], "box_encodings": codes[order], "class_scores": scores[order]}


def test_regions_in_another_order_are_the_same():
    found = region_error(PROPOSALS, [(heads(0, 1, 2), heads(1, 0, 2))])
    assert (found.regions, found.matched) == (2, 1.0)
    assert found.rms == {"boxes": 0, "logits": 0}


def test_a_region_that_the_model_lacks_is_not_matched():
    found = region_error(PROPOSALS, [(heads(0, 1, 2), heads(2, 0, 2)), (heads(0, 1, 2), heads(0, 1, 2))])
    assert (found.regions, found.matched) == (4, 0.75)


def test_boxes_are_compared_at_the_best_class_and_scores_as_logits():
    found = region_error(PROPOSALS, [(heads(0, 1, 2), heads(0, 1, 2, moved=0.5, score=0.8))])
    assert found.rms["boxes"] == pytest.approx(np.sqrt((0.2**2 + 0.25**2) / 4), rel=1e-5)  # y1 and y2 of two boxes
    assert found.rms["logits"] == pytest.approx((LOGIT_OF_8_TENTHS - LOGIT_OF_HALF) / np.sqrt(2), rel=1e-5)


def detected(classes, masks=0.0):
    boxes = np.array([(0, 0, 0.4, 0.4), (0.5, 0.5, 1, 1)], np.float32)
    found = {"boxes": boxes, "classes": np.array(classes, np.float32), "scores": np.array([0.9, 0.8], np.float32)}
    return {**found, "count": np.array([2], np.float32), "masks": np.full((2, 2, 2), masks, np.float32)}


def test_detections_match_within_their_class_and_their_masks_are_compared():
    found = region_error(MASKED, [(detected([0, 1]), detected([0, 0], masks=0.25))])
    assert (found.regions, found.matched) == (2, 0.5)
    assert found.rms["masks"] == pytest.approx(0.25)


def test_an_image_without_regions_counts_none():
    none = {**detected([0, 1]), "count": np.array([0], np.float32)}
    found = region_error(MASKED, [(none, none)])
    assert (found.regions, found.matched, found.correlation) == (0, 0.0, 1.0)
    assert found.to_record() == {"regions": 0, "matched": 0.0, "rms": {}, "correlation": 1.0}


def logits_of(*scores):
    """Two regions whose cat has these scores."""
    found = heads(0, 1, 2)
    found["class_scores"][:2, 1] = scores
    return found


def test_a_model_whose_logits_are_all_alike_has_no_correlation():
    flat = {**heads(0, 1, 2), "class_scores": np.full((3, 3), 1 / 3, np.float32)}
    assert region_error(PROPOSALS, [(logits_of(0.9, 0.2), flat)]).correlation == 0.0


def test_logits_of_the_reference_that_are_all_alike_tell_nothing():
    flat = {**heads(0, 1, 2), "class_scores": np.full((3, 3), 1 / 3, np.float32)}
    assert region_error(PROPOSALS, [(flat, logits_of(0.9, 0.2))]).correlation == 1.0


def test_a_model_without_one_of_the_regions_has_no_errors_of_them():
    elsewhere = heads(0, 1, 2)
    elsewhere["proposals"] = elsewhere["proposals"][[2, 2, 2]]
    found = region_error(PROPOSALS, [(heads(0, 1, 2), elsewhere)])
    assert (found.matched, found.rms) == (0.0, {})
