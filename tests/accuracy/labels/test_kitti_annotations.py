"""KITTI's label files: what is read of them, what counts neither way, and every way in which they can be wrong."""

import numpy as np
import pytest
from PIL import Image

from detlite.accuracy.classes import class_map
from detlite.accuracy.dataset import DatasetFiles, load_dataset
from detlite.accuracy.detect import Detected
from detlite.accuracy.labels.kitti import read_kitti
from detlite.accuracy.metric import load_metric
from detlite.runtime.errors import DetliteError, InputError

CAR, SITTING = "Car 0.00 0 1.85 10 20 60 50 1.67 1.87 3.69 -16.53 2.39 58.49 1.57", "Person_sitting 0 0 0 0 0 9 9"
VAN, WALKER, NOTHING = "Van 0 0 0 100 0 120 30", "Pedestrian 0 0 0 70 5 80 35", "DontCare -1 -1 -10 150 10 190 40"
IN_SPACE = " 0 0 0 0 0 0 0"


def whole(line):
    return line if len(line.split()) == 15 else line + IN_SPACE


def write(folder, files, size=(200, 60)):
    for name in ("label_2", "image_2"):
        (folder / name).mkdir(parents=True)
    for name, lines in files.items():
        (folder / "label_2" / f"{name}.txt").write_text("".join(f"{whole(line)}\n" for line in lines))
        Image.new("RGB", size).save(folder / "image_2" / f"{name}.png")
    return folder


def test_boxes_sizes_and_classes_are_read(tmp_path):
    annotations, images = read_kitti(write(tmp_path / "training", {"000000": [CAR, WALKER], "000001": []}).parent)
    assert [truth.box for truth in annotations.truths] == [(10, 20, 50, 30), (70, 5, 10, 30)]
    assert [truth.category_id for truth in annotations.truths] == [1, 2]
    assert annotations.categories == ((1, "car"), (2, "pedestrian"))
    assert [(one.file_name, one.height, one.width) for one in annotations.images] == [
        ("000000.png", 60, 200),
        ("000001.png", 60, 200),
    ]
    assert images == tmp_path / "training" / "image_2"


def test_what_resembles_a_class_is_difficult_and_what_nobody_cares_for_is_a_group_of_each(tmp_path):
    annotations, _images = read_kitti(write(tmp_path, {"0": [CAR, VAN, SITTING, NOTHING]}))
    assert [(one.category_id, one.crowd, one.group_of) for one in annotations.truths] == [
        (1, False, False),
        (1, True, False),
        (2, True, False),
        (1, False, True),
        (2, False, True),
    ]


def test_other_classes_may_count(tmp_path):
    folder = write(tmp_path, {"0": [CAR, VAN]})
    labels = load_dataset("kitti").labels["detection"]
    annotations, _images = labels.read(DatasetFiles("kitti", (folder,), {"kitti-classes": "Van, tram"}))
    assert annotations.categories == ((1, "van"), (2, "tram"))
    assert [(one.category_id, one.crowd) for one in annotations.truths] == [(1, False)]


def test_calibration_sees_the_objects_that_count(tmp_path):
    folder = write(tmp_path, {"0": [CAR, VAN, NOTHING], "1": [NOTHING]})
    found = list(load_dataset("kitti").items((folder,)))
    assert [[one.name for one in item.objects] for item in found] == [["car"], []]
    assert found[0].objects[0].area == pytest.approx(50 * 30 / (200 * 60))


def test_the_metric_counts_neither_vans_nor_what_lies_where_nobody_cares(tmp_path):
    annotations, _images = read_kitti(write(tmp_path, {"0": [CAR, VAN, NOTHING]}))
    pixels = np.array([(10, 20, 60, 50), (100, 0, 120, 30), (155, 12, 185, 38), (0, 0, 9, 9)], np.float32)
    boxes = pixels[:, [1, 0, 3, 2]] / np.array([60, 200, 60, 200], np.float32)
    scores = np.array([0.6, 0.9, 0.8, 0.5], np.float32)
    detected = Detected(
        boxes=boxes,
        classes=np.zeros(4, np.int64),
        scores=scores,
        image_index=np.zeros(4, np.int64),
        sizes=np.array([(60, 200)]),
        invoke_ns=np.zeros(1, np.int64),
    )
    found = load_metric("kitti").score(detected, annotations, class_map(("car", "pedestrian"), annotations.categories))
    assert found.numbers["map"] == pytest.approx(100)
    assert [(one.name, one.truths) for one in found.classes] == [("car", 1)]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Car 0 0 0 1 1 9 9", "line 1: 8 values, want 15 of a labelled object"),
        (f"Car 0 0 0 1 1 9 9{IN_SPACE} 0.9", "16 values, want 15 of a labelled object; a detector's results have one "),
        (f"Lorry 0 0 0 1 1 9 9{IN_SPACE}", "the type 'Lorry', want one of car, van,"),
        (f"Car 0 0 0 1 x 9 9{IN_SPACE}", "could not convert string to float: 'x', want the box's left"),
        (f"Car 0 0 0 9 1 1 9{IN_SPACE}", r"the box goes from \(9, 1\) to \(1, 9\), want pixels, max over min"),
        (f"Car 0 0 0 1 1 nan 9{IN_SPACE}", "want pixels, max over min"),
        (f"Car 0 0 0 1 1 9 1e300{IN_SPACE}", "want pixels, max over min"),
        (f"Van 0 0 0 1 1 9 9{IN_SPACE}", "no car or pedestrian is annotated in .*label_2: nothing to score against"),
    ],
)
def test_wrong_lines_are_named(tmp_path, line, text):
    folder = write(tmp_path, {"0": []})
    (folder / "label_2" / "0.txt").write_text(f"{line}\n")
    with pytest.raises(InputError, match=text):
        read_kitti(folder)


def test_missing_parts_and_unknown_classes_are_named(tmp_path):
    with pytest.raises(InputError, match="has no label_2, and no training/label_2: give the folder of KITTI's 2D"):
        read_kitti(tmp_path)
    folder = write(tmp_path, {"0": [CAR]})
    with pytest.raises(DetliteError, match="class of KITTI"):
        read_kitti(folder, ("bus",))
    with pytest.raises(InputError, match="the classes car, car: want each of them once"):
        read_kitti(folder, ("car", "car"))
    (folder / "image_2" / "0.png").unlink()
    with pytest.raises(InputError, match="holds no image called 0"):
        read_kitti(folder)
