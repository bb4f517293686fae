"""COCO's results file: ids of images and categories, and boxes in pixels."""

import json
from pathlib import Path

import pytest

from detlite.accuracy.coco_file import coco_ids, coco_rows
from detlite.convert.labels.files import known_labels
from detlite.runtime.errors import InputError
from detlite.runtime.task import Found


def test_labels_of_coco_have_its_categories_in_any_order():
    ids = coco_ids(("toothbrush", "person", "???"), None)
    assert (ids.categories, ids.origin) == ((90, 1, -1), "COCO's own, by name")


def test_all_of_cocos_labels_have_their_numbers():
    ids = coco_ids(known_labels("coco"), None)
    assert [number for number in ids.categories if number > 0] == [
        number for number, name in enumerate(known_labels("coco"), 1) if name != "???"
    ]


def test_other_labels_are_numbered_from_one():
    assert coco_ids(("person", "unicorn"), None).categories == (1, 2)


def test_a_file_name_that_is_a_number_is_the_id():
    assert coco_ids(("a",), None).image_id(Path("val/000000000139.jpg")) == 139


def annotations(folder, images):
    record = {
        "images": [{"id": number, "file_name": name, "height": 10, "width": 20} for name, number in images.items()],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(record))
    return path


def test_annotations_give_the_ids(tmp_path):
    ids = coco_ids(("cat", "dog", "kite"), annotations(tmp_path, {"photo.jpg": 55}))
    assert (ids.image_id(Path("x/photo.jpg")), ids.categories) == (55, (3, 7, -1))


def test_an_image_that_is_not_annotated_is_refused(tmp_path):
    ids = coco_ids(("cat", "dog"), annotations(tmp_path, {"photo.jpg": 55}))
    with pytest.raises(InputError, match="other.jpg is not among the images of the COCO annotations"):
        ids.image_id(Path("other.jpg"))


def test_boxes_are_in_pixels_and_classes_without_a_category_are_left_out(tmp_path):
    ids = coco_ids(("cat", "dog", "kite"), annotations(tmp_path, {"photo.jpg": 55}))
    found = [Found("kite", 2, 0.9, (0.0, 0.0, 1.0, 1.0)), Found("dog", 1, 0.5, (0.1, 0.25, 0.6, 0.75))]
    assert coco_rows(55, (100, 200), found, ids) == [
        {"image_id": 55, "category_id": 7, "bbox": [50.0, 10.0, 100.0, 50.0], "score": 0.5}
    ]


def test_a_class_of_the_whole_image_has_no_row():
    with pytest.raises(InputError, match="the model is a classifier"):
        coco_rows(1, (10, 10), [Found("cat", 0, 0.9)], coco_ids(("cat",), None))


@pytest.mark.slow
@pytest.mark.data
def test_cocos_own_tool_scores_the_file_as_detlite_does(shared_data, tmp_path):
    pycocotools = pytest.importorskip("pycocotools.coco")
    from builders.command_line import Detlite
    from pycocotools.cocoeval import COCOeval

    model = shared_data / "models" / "coco_ssd_mobilenet_v1_quant" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
    images, truth = shared_data / "coco" / "val" / "images", shared_data / "coco" / "val" / "instances.json"
    run = Detlite(tmp_path)
    assert run("detect", model, images, "--coco-json", "found.json").status == 0
    score = json.loads(run("evaluate", model, "--coco", images, truth, "--json").out)["map"]
    known = pycocotools.COCO(str(truth))
    evaluation = COCOeval(known, known.loadRes(str(tmp_path / "found.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert 100 * evaluation.stats[0] == pytest.approx(score, abs=0.01)
