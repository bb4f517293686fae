"""ImageNet's layouts: classes from sub-folders, a list or JSON."""

import json

import numpy as np
import pytest
from PIL import Image

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.datasets.imagenet import items
from detlite.accuracy.ground_truth import read_labelled
from detlite.accuracy.labels.image_classes import read_synset_folders
from detlite.runtime.errors import InputError

LABELS = ("tench", "goldfish", "shark")


def image(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)


def read(images, labels, names=LABELS):
    return read_labelled(DatasetFiles("imagenet", (images, labels)), "classification", names)


@pytest.fixture
def photos(tmp_path):
    for name in ("a.png", "b.png"):
        image(tmp_path / "photos" / name)
    return tmp_path / "photos"


def test_json_with_a_number_and_a_name_for_each_image(photos, tmp_path):
    file = tmp_path / "labels.json"
    file.write_text(json.dumps({"a.png": [2, "great white shark"], "b.png": [0, "tench"]}))
    found, metric = read(photos, file)
    assert metric == "top-k"
    assert [one.category_id for one in found.annotations.images] == [2, 0]
    assert found.paths == (photos / "a.png", photos / "b.png")


def test_a_list_with_an_image_and_a_number_a_line(photos, tmp_path):
    (tmp_path / "val.txt").write_text("b.png 1\na.png 2\n")
    assert [one.category_id for one in read(photos, tmp_path / "val.txt")[0].annotations.images] == [1, 2]


def test_classes_that_are_counted_with_the_background_are_refused(photos, tmp_path):
    (tmp_path / "val.txt").write_text("a.png 1\nb.png 3\n")
    with pytest.raises(InputError, match="the labels name class 3, and the model has 3 classes, numbered from 0"):
        read(photos, tmp_path / "val.txt")


def test_class_folders_are_matched_by_name(tmp_path):
    for name in ("tench/a.png", "shark/b.png"):
        image(tmp_path / "val" / name)
    found, _metric = read(tmp_path / "val", tmp_path / "val")
    assert [path.name for path in found.paths] == ["b.png", "a.png"]


def test_an_image_outside_the_class_folders_is_refused(tmp_path):
    for name in ("tench/a.png", "b.png"):
        image(tmp_path / "val" / name)
    with pytest.raises(InputError, match=r"b.png is in no sub-folder: put each image into the folder of its class"):
        read(tmp_path / "val", tmp_path / "val")


def test_all_synsets_in_their_order_are_the_classes_of_a_model(tmp_path):
    for number in range(1000):
        folder = tmp_path / f"n{number:08}"
        folder.mkdir()
        (folder / "a.png").write_bytes(b"")
    found = read_synset_folders(tmp_path)
    assert found.numbered
    assert [image.category_id for image in found.images] == list(range(1000))


def test_some_synsets_alone_do_not_say_their_numbers(tmp_path):
    image(tmp_path / "n01440764" / "a.png")
    with pytest.raises(InputError, match="has 1 of ImageNet's 1000 synsets, which do not say their numbers"):
        read_synset_folders(tmp_path)


def test_calibration_sees_the_images_of_the_labels_with_their_classes(photos, tmp_path):
    (tmp_path / "val.txt").write_text("b.png tench\n")
    (found,) = items((photos, tmp_path / "val.txt"))
    assert (found.name, [one.name for one in found.objects]) == ("b.png", ["tench"])
