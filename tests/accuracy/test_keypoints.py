"""Keypoints scored by object keypoint similarity, as pycocotools scores them; and agreement with a reference."""

import contextlib
import io
import json

import numpy as np
import pytest
from builders.detection_cases import SIDE, columns

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.keypoints import (
    ALL_KEYS,
    DetectedKeypoints,
    keypoint_concordance,
    keypoint_matches,
    keypoint_scores,
)
from detlite.accuracy.labels.coco import read_annotations
from detlite.accuracy.oks import COCO_SIGMAS, OTHER_SIGMA, sigmas_of
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.errors import InputError

NAMES = tuple(COCO_SIGMAS)
CLASSES = ClassMap((2, 1), "position")


def keyed(rows, images=3, names=NAMES):
    """Detections of *rows*, each (image, class, (x, y, width, height), score, points (k, 2) in pixels)."""
    points = np.ones((len(rows), len(names), 3), np.float32)
    for place, row in enumerate(rows):
        points[place, :, :2] = np.asarray(row[4])[:, ::-1] / SIDE
    return DetectedKeypoints(
        **columns(rows, images=images),
        points=points,
        names=np.array(names),
        number=np.array(1),
    )


def invented(seed):
    """COCO's record of persons at random, with and without labelled keypoints, and detections near them."""
    random, annotations, rows = np.random.default_rng(seed), [], []
    scores = iter(random.permutation(500) / 501)
    for image in range(3):
        for place in range(4):
            x, y, w, h = (float(value) for value in (*random.integers(0, 50, 2), *random.integers(34, 60, 2)))
            points = np.array([x, y]) + random.uniform(0, 1, (17, 2)) * (w, h)
            marks = random.integers(0, 3, 17) if place else np.zeros(17)
            given = np.concatenate([points, marks[:, None]], axis=1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image + 1,
                    "category_id": 1,
                    "bbox": [x, y, w, h],
                    "area": 0.7 * w * h,
                    "iscrowd": 0,
                    "keypoints": given.ravel().tolist(),
                    "num_keypoints": int((marks > 0).sum()),
                }
            )
            for far in (1.0, 4.0):
                near = points + random.normal(0, far, (17, 2))
                rows.append((image, 1, (x, y, w, h), float(next(scores)), near))
    frame = {
        "images": [{"id": i + 1, "file_name": f"{i}.npy", "height": SIDE, "width": SIDE} for i in range(3)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(NAMES)}, {"id": 2, "name": "car"}],
    }
    return frame, rows


def read(tmp_path, frame):
    file = tmp_path / "person_keypoints.json"
    file.write_text(json.dumps(frame))
    return read_annotations(file, keypoints=True)


@pytest.mark.parametrize("seed", range(3))
def test_the_ten_numbers_are_those_of_pycocotools(tmp_path, seed):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    frame, rows = invented(seed)
    detected = keyed(rows)
    found = keypoint_scores(detected, read(tmp_path, frame), CLASSES)
    results = [
        {
            "image_id": image + 1,
            "category_id": 1,
            "score": float(np.float32(score)),
            "keypoints": np.concatenate([points, np.ones((17, 1))], axis=1).ravel().tolist(),
        }
        for (image, _class, _box, score, _near), points in zip(rows, detected.pixels, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "person_keypoints.json"))
        other = COCOeval(truth, truth.loadRes(results), "keypoints")
        other.evaluate()
        other.accumulate()
        other.summarize()
    wanted = {key: None if value < 0 else 100 * value for key, value in zip(ALL_KEYS, other.stats, strict=True)}
    assert found.numbers == pytest.approx(wanted, abs=1e-9)
    assert 1 < found.numbers["map"] < 99


@pytest.mark.parametrize("seed", range(3))
def test_a_bootstrap_starts_from_the_same_precision(tmp_path, seed):
    frame, rows = invented(seed)
    annotations, detected = read(tmp_path, frame), keyed(rows)
    matches = keypoint_matches(detected, annotations, CLASSES)
    whole = keypoint_scores(detected, annotations, CLASSES).numbers["map"]
    assert mean_average_precision(matches)[0] == pytest.approx(whole, abs=1e-9)


def test_a_model_agrees_with_itself_wholly_and_with_a_moved_one_less():
    _frame, rows = invented(0)
    detected = keyed([(*row[:3], 0.9, row[4]) for row in rows[::2]])
    moved = keyed([(*row[:3], 0.9, np.asarray(row[4]) + 6) for row in rows[::2]])
    assert keypoint_concordance(detected, detected).fidelity == pytest.approx(100)
    assert keypoint_concordance(moved, detected).fidelity < 60


def test_an_object_without_an_area_agrees_with_none_and_counts_as_none():
    _frame, rows = invented(0)
    whole = [(*row[:3], 0.9, row[4]) for row in rows[::2]]
    empty = (0, 1, (9.0, 9.0, 0.0, 9.0), 0.95, np.zeros((17, 2)))
    assert keypoint_concordance(keyed([empty, *whole]), keyed([empty, *whole])).fidelity == pytest.approx(100)


def test_detections_of_other_classes_count_neither_way(tmp_path):
    frame, rows = invented(0)
    annotations = read(tmp_path, frame)
    alone = keypoint_scores(keyed(rows), annotations, CLASSES)
    mixed = keyed([*rows, (2, 0, (0.0, 0.0, 50.0, 50.0), 0.99, np.zeros((17, 2)))])
    assert keypoint_scores(mixed, annotations, CLASSES).numbers == alone.numbers


def test_sigmas_of_other_keypoints_are_all_the_same():
    assert sigmas_of(("nose", "left_hip")).tolist() == [0.026, 0.107]
    assert sigmas_of(("nose", "beak")).tolist() == [OTHER_SIGMA] * 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"keypoints": ["nose"]}, r"have 1 \(nose ...\) keypoints of the model's class 1, and the model 17"),
        ({"keypoints": []}, "have no keypoints of the model's class 1, and the model 17"),
    ],
)
def test_annotations_of_other_keypoints_are_refused(tmp_path, changed, error):
    frame, rows = invented(0)
    frame["categories"][0] |= changed
    with pytest.raises(InputError, match=error):
        keypoint_scores(keyed(rows), read(tmp_path, frame), CLASSES)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"keypoints": [1, 2, 3]}, "annotation 0 is not right: a keypoint has the mark 3, want 0 .not labelled., 1 "),
        ({"keypoints": [1, 2]}, "annotation 0 is not right: 2 numbers of keypoints, want x, y and a mark for each"),
        ({"keypoints": "nose"}, "annotation 0 is not right: keypoints are nose, want numbers"),
    ],
)
def test_damaged_keypoints_are_refused(tmp_path, changed, error):
    frame, _rows = invented(0)
    frame["annotations"][0] |= changed
    with pytest.raises(InputError, match=error):
        read(tmp_path, frame)


def test_an_annotation_of_too_few_keypoints_is_named_by_its_image(tmp_path):
    frame, rows = invented(0)
    frame["annotations"][0]["keypoints"] = [1, 2, 2]
    image = frame["annotations"][0]["image_id"]
    with pytest.raises(InputError, match=f"of image {image} has 3 numbers of keypoints: want x, y and a mark for each"):
        keypoint_scores(keyed(rows), read(tmp_path, frame), CLASSES)


def test_images_without_a_labelled_keypoint_are_refused(tmp_path):
    frame, rows = invented(0)
    for row in frame["annotations"]:
        row["keypoints"] = [0] * 51
    with pytest.raises(InputError, match="no keypoint is annotated in these 3 images"):
        keypoint_scores(keyed(rows), read(tmp_path, frame), CLASSES)
