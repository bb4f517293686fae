"""Box decoding and suppression: written cases, and the laws against a slow and plain form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.runtime.boxes.coding import BoxCoder, decode, iou
from detlite.runtime.boxes.nms import Nms, suppress
from detlite.runtime.boxes.scores import sigmoid, softmax


def test_a_zero_encoding_is_the_anchor():
    anchors = np.float32([[0.5, 0.4, 0.2, 0.6]])
    np.testing.assert_allclose(
        decode(np.zeros((1, 4), np.float32), anchors, BoxCoder()), [[0.4, 0.1, 0.6, 0.7]], atol=1e-7
    )


def test_an_encoding_shifts_and_grows_by_its_scale():
    anchors = np.float32([[0.5, 0.5, 0.2, 0.2]])
    encoding = np.float32([[10.0, 0.0, 5 * np.log(2), 0.0]])
    np.testing.assert_allclose(decode(encoding, anchors, BoxCoder()), [[0.5, 0.4, 0.9, 0.6]], atol=1e-6)


def test_iou_of_two_half_overlapping_boxes_is_a_third():
    assert iou(np.float32([0, 0, 1, 1]), np.float32([[0, 0.5, 1, 1.5]])) == pytest.approx(1 / 3)


def test_a_box_without_area_overlaps_nothing():
    assert iou(np.float32([0, 0, 1, 1]), np.float32([[0.5, 0.5, 0.5, 0.9]])) == 0


def test_nms_keeps_the_best_of_two_that_overlap():
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 1, 0.9]])
    found = suppress(boxes, np.float32([[0.5], [0.7]]), Nms())
    assert (found.scores.tolist(), found.boxes.tolist()) == ([np.float32(0.7)], [boxes[1].tolist()])


def test_an_overlap_of_exactly_the_threshold_is_kept():
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 1, 0.5]])
    assert len(suppress(boxes, np.float32([[0.5], [0.7]]), Nms(iou_threshold=0.5)).scores) == 2


def test_regular_nms_keeps_overlapping_boxes_of_two_classes():
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 1, 1]])
    assert len(suppress(boxes, np.float32([[0.9, 0], [0, 0.8]]), Nms()).scores) == 2


def test_fast_nms_keeps_one_box_whatever_its_class():
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 1, 1]])
    found = suppress(boxes, np.float32([[0.9, 0], [0, 0.8]]), Nms(kind="fast"))
    assert found.classes.tolist() == [0]


def test_fast_nms_returns_the_best_classes_of_each_box():
    found = suppress(
        np.float32([[0, 0, 1, 1]]),
        np.float32([[0.2, 0.9, 0.5]]),
        Nms(kind="fast", max_classes_per_detection=2),
    )
    assert (found.classes.tolist(), found.scores.tolist()) == ([1, 2], [np.float32(0.9), np.float32(0.5)])


def test_clipping_comes_before_suppression():
    boxes = np.float32([[0, 0, 1, 1], [0, 0, 1, 5]])
    scores = np.float32([[0.9], [0.8]])
    assert len(suppress(boxes, scores, Nms(clip=True)).scores) == 1
    assert len(suppress(boxes, scores, Nms(clip=False)).scores) == 2


def test_nothing_over_the_threshold_is_no_detection():
    found = suppress(np.float32([[0, 0, 1, 1]]), np.float32([[0.3]]), Nms(score_threshold=0.5))
    assert (found.boxes.shape, found.scores.shape) == ((0, 4), (0,))


def plain_regular(boxes, scores, nms):
    """Class by class, one by one, then the best of all: the definition."""
    found = []
    for klass in range(scores.shape[1]):
        kept = []
        for i in np.argsort(-scores[:, klass], kind="stable"):
            if scores[i, klass] < np.float32(nms.score_threshold) or len(kept) >= min(
                nms.detections_per_class, nms.max_detections
            ):
                break
            if all(iou(boxes[k], boxes[i][None])[0] <= np.float32(nms.iou_threshold) for k in kept):
                kept.append(i)
        found += [(-scores[i, klass], klass, i) for i in kept]
    return [(klass, i) for _s, klass, i in sorted(found, key=lambda row: (row[0], row[1]))][: nms.max_detections]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    anchors=st.integers(0, 600),
    classes=st.integers(1, 4),
    threshold=st.sampled_from([1e-8, 0.3]),
    most=st.sampled_from([1, 7, 100]),
    per_class=st.sampled_from([1, 5, 100]),
    levels=st.sampled_from([5, 100_000]),
)
def test_regular_nms_is_class_by_class_suppression(seed, anchors, classes, threshold, most, per_class, levels):
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 0.8, (anchors, 2))
    boxes = np.concatenate([low, low + chance.uniform(0.01, 0.5, (anchors, 2))], 1).astype(np.float32)
    scores = (chance.integers(0, levels, (anchors, classes)) / levels).astype(np.float32)
    nms = Nms(score_threshold=threshold, max_detections=most, detections_per_class=per_class, clip=False)
    found = suppress(boxes, scores, nms)
    want = plain_regular(boxes, scores, nms)
    assert found.classes.tolist() == [klass for klass, _i in want]
    np.testing.assert_array_equal(found.boxes, boxes[[i for _klass, i in want]].reshape(-1, 4))


@given(st.lists(st.floats(-200, 200), min_size=1, max_size=9))
def test_score_converters_give_scores(logits):
    values = np.float32(logits)
    assert ((sigmoid(values) >= 0) & (sigmoid(values) <= 1)).all()
    assert softmax(values).sum() == pytest.approx(1, abs=1e-5)
