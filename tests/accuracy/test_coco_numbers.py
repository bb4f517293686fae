"""COCO's twelve numbers, on boxes whose score can be worked out by hand."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pytest
from builders.detection_cases import annotations, detected, invented
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import KEYS, coco_draws, coco_matches, coco_metrics, pixel_boxes
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.errors import InputError

BOX, FAR = (10, 10, 20, 20), (60, 60, 20, 20)
ONE = ClassMap((1,), "position")


def test_a_miss_between_two_hits_costs_a_third_of_half_the_recalls():
    truth = annotations([(0, 0, BOX), (1, 0, BOX)])
    found = detected([(0, 0, BOX, 0.9), (0, 0, FAR, 0.8), (1, 0, BOX, 0.7)])
    # precision 1 at the 51 recalls from 0 to 0.5, then 2/3 at the 50 others
    assert coco_metrics(found, truth, ONE)["map"] == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)


def test_an_overlap_of_72_percent_is_right_at_five_of_ten_thresholds():
    truth = annotations([(0, 0, (10, 10, 10, 10))], images=1)
    metrics = coco_metrics(detected([(0, 0, (10, 10, 10, 7.2), 0.9)], images=1), truth, ONE)
    assert (metrics["map"], metrics["map50"], metrics["map75"]) == (pytest.approx(50), pytest.approx(100), 0)


def test_sizes_without_objects_have_no_number():
    metrics = coco_metrics(detected([(0, 0, BOX, 0.9)]), annotations([(0, 0, BOX)]), ONE)
    assert tuple(metrics) == KEYS
    assert (metrics["map_small"], metrics["map_medium"], metrics["map_large"]) == (pytest.approx(100), None, None)


def test_the_second_detection_of_one_object_is_wrong():
    truth = annotations([(0, 0, BOX), (1, 0, BOX)])
    found = detected([(0, 0, BOX, 0.9), (0, 0, BOX, 0.8), (1, 0, BOX, 0.7)])
    assert coco_metrics(found, truth, ONE)["map"] == pytest.approx(100 * (51 + 50 * 2 / 3) / 101)


def test_what_is_found_in_a_crowd_counts_neither_way():
    truth = annotations([(0, 0, BOX), (0, 0, FAR)], crowd=(1,))
    found = detected([(0, 0, FAR, 0.9), (0, 0, (60, 60, 10, 10), 0.8), (0, 0, BOX, 0.7)])
    assert coco_metrics(found, truth, ONE)["map"] == pytest.approx(100)
    assert mean_average_precision(coco_matches(found, truth, ONE))[0] == pytest.approx(100)


def test_a_detection_of_a_class_without_category_is_left_out():
    truth, classes = annotations([(0, 0, BOX)]), ClassMap((1, -1), "name")
    found = detected([(0, 0, BOX, 0.7), (0, 1, FAR, 0.9)])
    assert coco_metrics(found, truth, classes)["map"] == pytest.approx(100)


def test_a_detector_that_finds_nothing_has_a_map_of_0():
    truth = annotations([(0, 0, BOX)])
    assert coco_metrics(detected([]), truth, ONE)["map"] == 0
    assert mean_average_precision(coco_matches(detected([]), truth, ONE))[0] == 0


def test_an_image_of_another_size_than_annotated_is_named():
    truth = annotations([(0, 0, BOX)])
    found = replace(detected([]), sizes=np.array([[100, 100], [50, 100]]))
    with pytest.raises(InputError, match=r"1\.jpg is 50 x 100 pixels .* its annotations are for 100 x 100"):
        coco_metrics(found, truth, ONE)


def test_images_with_crowds_alone_cannot_be_scored():
    with pytest.raises(InputError, match="no object is annotated in these 2 images"):
        coco_metrics(detected([]), annotations([(0, 0, BOX)], crowd=(0,)), ONE)


def test_a_class_that_the_labels_do_not_reach_is_refused():
    with pytest.raises(InputError, match="found class 3, and has 1 label"):
        coco_metrics(detected([(0, 3, BOX, 0.9)]), annotations([(0, 0, BOX)]), ONE)


def test_boxes_that_are_not_numbers_are_refused():
    with pytest.raises(InputError, match="not finite numbers"):
        detected([(0, 0, (float("nan"), 1, 1, 1), 0.9)])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), times=st.sampled_from([1, 4, 9]))
def test_a_draw_of_every_image_once_gives_the_numbers_of_faster_coco_eval(seed, times):
    truth, found = invented(seed)
    truth = replace(truth, truths=tuple(replace(t, area=times * t.area) for t in truth.truths))  # of every size
    classes = ClassMap((1, 2, 3), "position")
    assert_draws_are(coco_metrics(found, truth, classes), found, truth, classes)


def assert_draws_are(metrics, found, truth, classes):
    """Compare all twelve numbers with those of a draw that has each image once."""
    once = np.ones((1, len(truth.images)))
    drawn = {key: float(draws[0]) for key, draws in coco_draws(found, truth, classes, once).items() if key in KEYS}
    drawn["map"] = float(mean_average_precision(coco_matches(found, truth, classes))[0])
    want = {key: float("nan") if value is None else value for key, value in metrics.items()}
    assert drawn == pytest.approx(want, abs=1e-10, nan_ok=True)


def test_an_image_drawn_twice_counts_twice_in_every_size():
    truth = annotations([(0, 0, (10, 10, 20, 20)), (1, 0, (10, 10, 40, 40))])
    found = detected([(0, 0, (10, 10, 20, 20), 0.9), (1, 0, FAR, 0.8)])
    draws = coco_draws(found, truth, ONE, np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]))
    assert draws["map_small"] == pytest.approx([100, 100, np.nan], nan_ok=True)
    assert draws["map_medium"] == pytest.approx([np.nan, 0, 0], nan_ok=True)
    assert draws["ar1"] == pytest.approx([100, 50, 0])


@pytest.mark.parametrize("seed", range(5))
def test_all_twelve_numbers_are_those_of_pycocotools(seed):
    truth, found = invented(seed, images=40)
    metrics = coco_metrics(found, truth, ClassMap((1, 2, 3), "position"))
    want = [None if value < 0 else 100 * value for value in pycocotools_stats(truth, found)]
    assert list(metrics.values()) == [None if value is None else pytest.approx(value, abs=1e-10) for value in want]


@pytest.mark.data
def test_all_numbers_on_the_annotations_of_val2017_are_those_of_pycocotools(shared_data):
    truth = read_annotations(shared_data / "coco" / "val" / "instances.json")
    classes = ClassMap(tuple(identity for identity, _name in truth.categories), "name")
    found = near_truth(truth, classes)
    metrics = coco_metrics(found, truth, classes)
    assert list(metrics.values()) == pytest.approx([100 * v for v in pycocotools_stats(truth, found)], abs=1e-10)
    assert_draws_are(metrics, found, truth, classes)


def near_truth(truth, classes):
    """Each object found up to twice, a little beside, with scores in steps of 1/256: many are equal."""
    random = np.random.default_rng(0)
    index = {image.id: number for number, image in enumerate(truth.images)}
    sizes = np.array([(image.height, image.width) for image in truth.images])
    chosen = sorted(random.choice(truth.truths, 1500).tolist(), key=lambda t: index[t.image_id])
    image = np.array([index[t.image_id] for t in chosen], np.int64)
    boxes = np.array([t.box for t in chosen]) * random.normal(1, 0.08, (len(chosen), 4))
    corners = np.stack((boxes[:, 1], boxes[:, 0], boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]), 1)
    return Detected(
        boxes=(corners / np.tile(sizes[image], 2)).astype(np.float32),
        classes=np.array([classes.category_ids.index(t.category_id) for t in chosen], np.int64),
        scores=(random.integers(10, 256, len(chosen)) / 256).astype(np.float32),
        image_index=image,
        sizes=sizes,
        invoke_ns=np.ones(len(sizes), np.int64),
    )


def pycocotools_stats(truth, found):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rows = [
        {"id": n, "image_id": t.image_id, "category_id": t.category_id, "bbox": list(t.box), "area": t.area}
        | {"iscrowd": int(t.crowd)}
        for n, t in enumerate(truth.truths, 1)
    ]
    boxes = pixel_boxes(found).tolist()
    columns = zip(found.image_index.tolist(), found.classes.tolist(), boxes, found.scores.tolist(), strict=True)
    results = [
        {"image_id": truth.images[i].id, "category_id": truth.categories[c][0], "bbox": box, "score": s}
        for i, c, box, s in columns
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": i.id, "height": i.height, "width": i.width} for i in truth.images],
            "annotations": rows,
            "categories": [{"id": c, "name": name} for c, name in truth.categories],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()
