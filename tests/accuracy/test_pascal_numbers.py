"""Pascal VOC's and Open Images' numbers, on boxes whose score can be worked out by hand.

Those of Open Images are also what `OpenImagesDetectionEvaluator` and `OpenImagesChallengeEvaluator` of the TF Object
Detection API 2.8.0 print for the same boxes.
"""

from dataclasses import replace

import numpy as np
import pytest
from builders.detection_cases import annotations, detected, invented
from builders.pascal_cases import open_images
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.interpolation import area_under_curve, eleven_point
from detlite.accuracy.metric import load_metric
from detlite.runtime.errors import InputError

BOX, FAR, HARD, LAST = (10, 10, 20, 20), (60, 60, 20, 20), (10, 60, 20, 20), (60, 10, 20, 20)
THREE = ClassMap((1, 2, 3), "position")
ONE = ClassMap((1,), "position")


def score(name, truth, found, classes=ONE):
    return load_metric(name).score(found, truth, classes)


def hit_miss_difficult_hit():
    """Three objects and a difficult one; the best detection is right, the next wrong, then one on the difficult."""
    truth = annotations([(0, 0, BOX), (0, 0, HARD), (1, 0, BOX), (1, 0, FAR)], crowd=(1,))
    rows = [(0, 0, BOX, 0.9), (0, 0, FAR, 0.8), (0, 0, HARD, 0.7), (1, 0, BOX, 0.6)]
    return truth, detected(rows)


def test_eleven_recalls_of_2007_by_hand():
    # recall 1/3 at precision 1, then 2/3 at precision 2/3: four recalls with 1, three with 2/3, four with 0
    assert score("voc2007", *hit_miss_difficult_hit()).numbers["map"] == pytest.approx(100 * (4 + 3 * 2 / 3) / 11)


def test_area_of_2010_by_hand():
    assert score("voc2010", *hit_miss_difficult_hit()).numbers["map"] == pytest.approx(100 * (1 / 3 + 1 / 3 * 2 / 3))


def test_a_recall_right_on_a_tenth_counts():
    recall = np.array([[0.1, 0.2, 3 / 10]])
    assert eleven_point(np.ones((1, 3)), recall)[0] == pytest.approx(4 / 11)
    assert area_under_curve(np.ones((1, 3)), recall)[0] == pytest.approx(0.3)


def test_the_object_that_overlaps_most_is_looked_at_even_when_it_is_taken():
    # COCO gives the second detection to the other object; VOC calls it wrong
    truth = annotations([(0, 0, (10, 10, 20, 20)), (0, 0, (13, 10, 20, 20))], images=1)
    found = detected([(0, 0, (10, 10, 20, 20), 0.9), (0, 0, (11, 10, 20, 20), 0.8)], images=1)
    assert score("voc2010", truth, found).numbers["map"] == pytest.approx(50)
    assert score("coco", truth, found).numbers["map50"] == pytest.approx(100, abs=1)


def test_a_class_with_difficult_objects_alone_does_not_count():
    truth = annotations([(0, 0, BOX), (0, 1, FAR)], classes=2, crowd=(1,))
    found = detected([(0, 0, BOX, 0.9), (0, 1, LAST, 0.8)])
    scores = score("voc2007", truth, found, ClassMap((1, 2), "position"))
    assert scores.numbers["map"] == pytest.approx(100)
    assert [row.name for row in scores.classes] == ["class 0"]


def test_sizes_leave_out_objects_and_wrong_detections_of_other_sizes():
    small, large = (10, 10, 20, 20), (0, 0, 100, 100)
    truth = annotations([(0, 0, small), (1, 0, large)])
    found = detected([(0, 0, (70, 70, 20, 20), 0.9), (0, 0, small, 0.8), (1, 0, large, 0.7)])
    numbers = score("voc2010", truth, found).numbers
    assert numbers == {
        "map": pytest.approx(200 / 3),
        "map_small": pytest.approx(50),
        "map_medium": None,
        "map_large": pytest.approx(100),
    }


@pytest.mark.parametrize(("name", "ap"), [("oid-v2", (50.0, 50.0, 50.0)), ("oid-challenge", (45.0, 100.0, 50.0))])
def test_open_images_numbers_by_hand_and_of_the_od_api(name, ap):
    truth, found = open_images()
    scores = score(name, truth, found, THREE)
    assert [row.numbers["ap"] for row in scores.classes] == pytest.approx(ap)
    assert scores.numbers["map"] == pytest.approx(sum(ap) / 3)


def test_a_group_counts_as_one_object_in_the_challenge_and_as_none_in_v2():
    truth, found = open_images()
    assert [row.truths for row in score("oid-v2", truth, found, THREE).classes] == [2, 1, 1]
    assert [row.truths for row in score("oid-challenge", truth, found, THREE).classes] == [4, 2, 1]


def test_a_class_that_somebody_spoke_of_counts_in_the_challenge():
    truth, found = open_images()
    spoken = replace(truth, verified=truth.verified | {(3, 2)})  # class 1 in image 2: it is not there
    assert score("oid-challenge", spoken, found, THREE).classes[1].numbers["ap"] == pytest.approx(200 / 3)


def test_the_order_of_image_ids_does_not_matter():
    truth, found = open_images()
    names = {1: 30, 2: 10, 3: 20}
    other = replace(
        truth,
        images=tuple(replace(image, id=names[image.id]) for image in truth.images),
        truths=tuple(replace(t, image_id=names[t.image_id]) for t in truth.truths),
        verified=frozenset((names[image], category) for image, category in truth.verified),
    )
    assert score("oid-challenge", other, found, THREE) == score("oid-challenge", truth, found, THREE)


def test_images_of_other_sizes_are_refused():
    truth, found = hit_miss_difficult_hit()
    with pytest.raises(InputError, match="its annotations are for 100 x 100"):
        score("voc2007", truth, replace(found, sizes=np.full((2, 2), 50)))


METRICS = ("coco", "voc2007", "voc2010", "oid-v2", "oid-challenge")


@pytest.mark.parametrize("name", METRICS)
def test_what_is_found_as_it_is_scores_100_and_nothing_0(name):
    truth = annotations([(0, 0, BOX), (1, 0, FAR), (1, 1, LAST)], classes=2)
    classes = ClassMap((1, 2), "position")
    found = detected([(0, 0, BOX, 0.9), (1, 0, FAR, 0.8), (1, 1, LAST, 0.7)])
    assert score(name, truth, found, classes).numbers["map"] == pytest.approx(100)
    assert score(name, truth, detected([]), classes).numbers["map"] == 0


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_mean_over_the_classes_is_the_map_and_weights_of_one_change_nothing(name, seed):
    truth, found = invented(seed)
    scores = score(name, truth, found, THREE)
    assert scores.numbers["map"] == pytest.approx(np.mean([row.numbers["ap"] for row in scores.classes]))
    weighted = load_metric(name).weighted(found, truth, THREE, np.ones((1, 12)))
    assert weighted[0] == pytest.approx(scores.numbers["map"])


@pytest.mark.parametrize("name", [*METRICS, "coco"])
def test_further_draws_of_every_image_once_are_the_numbers_and_the_classes(name):
    truth, found = invented(5)
    scores = score(name, truth, found, THREE)
    drawn = load_metric(name).weighted_others(found, truth, THREE, np.ones((1, 12)))
    known = {**scores.numbers, **{f"ap:{row.name}": row.numbers["ap"] for row in scores.classes}}
    wanted = {key: np.nan if known[key] is None else known[key] for key in drawn}
    assert {key: draws[0] for key, draws in drawn.items()} == pytest.approx(wanted, nan_ok=True)
    assert {f"ap:{row.name}" for row in scores.classes} <= set(drawn)


@pytest.mark.parametrize("name", ["voc2007", "oid-challenge"])
def test_an_image_that_weighs_nothing_is_as_good_as_absent(name):
    truth, found = open_images()
    first = replace(truth.first(2))
    kept = found.image_index < 2
    part = replace(
        found,
        boxes=found.boxes[kept],
        classes=found.classes[kept],
        scores=found.scores[kept],
        image_index=found.image_index[kept],
        sizes=found.sizes[:2],
    )
    weighted = load_metric(name).weighted(found, truth, THREE, np.array([[1.0, 1.0, 0.0]]))
    assert weighted[0] == pytest.approx(score(name, first, part, THREE).numbers["map"])


def test_the_numbers_of_a_class_are_coco_s_own():
    truth, found = invented(3, images=40)
    whole = score("coco", truth, found, THREE)
    alone = truth.of_categories(frozenset({2}))
    own = score("coco", alone, found, ClassMap((-1, 2, -1), "name")).numbers
    got = whole.classes[1].numbers
    assert (got["ap"], got["ap50"], got["ap75"]) == pytest.approx((own["map"], own["map50"], own["map75"]))
    assert (got["ap_small"], got["ap_medium"]) == pytest.approx((own["map_small"], own["map_medium"]))
