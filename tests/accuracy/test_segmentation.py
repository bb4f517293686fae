"""Segmenters scored by label images, two of them compared, and the command that does it."""

import json

import numpy as np
import pytest
from builders.image_files import picture
from builders.tiny_tasks import tiny_task
from PIL import Image

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.detect import predict
from detlite.accuracy.ground_truth import read_labelled
from detlite.accuracy.labels.label_images import read_label_image, read_label_images
from detlite.accuracy.segmentation import Segmented, miou_draws, miou_of_draws, miou_scores, segmentation_concordance
from detlite.cli import main
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.segmentation import LabelMap

TWO = ClassMap((0, 1), "number")


def segmented(*maps, classes=2):
    results = [LabelMap(np.array(one, np.uint16), np.ones(classes, np.float32)) for one in maps]
    sizes = np.array([np.shape(one) for one in maps], np.int64)
    return Segmented(**LabelMap.columns(results), sizes=sizes, invoke_ns=np.ones(len(maps), np.int64))


@pytest.fixture
def labels(tmp_path):
    """Writes label images, and empty images of their names; returns what is read."""

    def write(*maps):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir(exist_ok=True)
        for number, one in enumerate(maps):
            Image.fromarray(np.array(one, np.uint8)).save(tmp_path / "masks" / f"{number}.png")
            (tmp_path / "images" / f"{number}.jpg").touch()
        return read_label_images(tmp_path / "images", tmp_path / "masks")

    return write


def test_mean_iou_and_pixel_accuracy_by_hand(labels):
    truth = labels([[0, 0, 1, 1]])
    scores = miou_scores(segmented([[0, 1, 1, 1]]), truth, TWO)
    # class 0: 1 of 2; class 1: 2 of 3
    assert scores.numbers["miou"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert scores.numbers["pixel_accuracy"] == 75
    assert [row.numbers["iou"] for row in scores.classes] == pytest.approx([50, 200 / 3])


def test_unlabelled_pixels_do_not_count(labels):
    scores = miou_scores(segmented([[0, 1, 1, 1]]), labels([[0, 255, 1, 1]]), TWO)
    assert scores.numbers == {"miou": 100, "pixel_accuracy": 100}


def test_a_class_that_is_found_and_not_there_lowers_the_mean(labels):
    assert miou_scores(segmented([[0, 0, 0, 1]]), labels([[0, 0, 0, 0]]), TWO).numbers["miou"] == pytest.approx(37.5)


def test_pixels_of_all_images_are_counted_together(labels):
    truth = labels([[0, 0, 0, 0]], [[0, 1]])
    found = segmented([[0, 0, 0, 0]], [[1, 1]])
    assert miou_scores(found, truth, TWO).numbers["miou"] == pytest.approx(100 * (4 / 5 + 1 / 2) / 2)


def test_an_image_that_weighs_nothing_is_as_good_as_absent(labels):
    truth, found = labels([[0, 0, 0, 0]], [[0, 1]]), segmented([[0, 0, 0, 0]], [[1, 1]])
    assert miou_of_draws(found, truth, TWO, np.array([[1.0, 1.0], [0.0, 2.0]])) == pytest.approx([65, 25])


def test_pixels_and_classes_are_drawn_too(labels):
    truth, found = labels([[0, 0, 0, 0]], [[0, 1]]), segmented([[0, 0, 0, 0]], [[1, 1]])
    scores, drawn = miou_scores(found, truth, TWO), miou_draws(found, truth, TWO, np.ones((1, 2)))
    assert drawn.pop("pixel_accuracy")[0] == pytest.approx(scores.numbers["pixel_accuracy"])
    assert {name: each[0] for name, each in drawn.items()} == pytest.approx(
        {f"iou:{row.name}": row.numbers["iou"] for row in scores.classes}
    )


def test_two_segmenters_agree_by_mean_iou():
    agreement = segmentation_concordance(segmented([[0, 1, 1, 1]]), segmented([[0, 0, 1, 1]]))
    assert agreement.fidelity == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert agreement.counts == {"images": 1, "classes": 2}


def test_labels_of_another_size_are_refused(labels):
    with pytest.raises(InputError, match=r"0\.png is 1 x 2 pixels .* 0\.jpg is 1 x 4"):
        miou_scores(segmented([[0, 1, 1, 1]]), labels([[0, 1]]), TWO)


def test_a_palette_gives_numbers_and_colours_are_refused(tmp_path):
    image = Image.fromarray(np.array([[0, 3]], np.uint8)).convert("P")
    image.putpalette([9, 9, 9] * 256)
    image.save(tmp_path / "a.png")
    assert read_label_image(tmp_path / "a.png").shape == (1, 2)
    Image.new("RGB", (2, 1)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png is a PNG of mode RGB"):
        read_label_image(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"c\.png is not a PNG, or is damaged"):
        read_label_image(tmp_path / "c.png")


def test_a_label_image_without_an_image_is_refused(labels, tmp_path):
    labels([[0, 1]])
    Image.fromarray(np.zeros((1, 2), np.uint8)).save(tmp_path / "masks" / "other.png")
    with pytest.raises(InputError, match=r"has 0 images called other, for other\.png; one is needed"):
        read_label_images(tmp_path / "images", tmp_path / "masks")


@pytest.fixture
def tiny(tmp_path):
    """A tiny segmenter, images, and what it makes of them as label images: artifact, images, masks."""
    artifact = tiny_task("segmentation").save(tmp_path / "model")
    for name in ("photos", "classes"):
        (tmp_path / name).mkdir()
    paths = [tmp_path / "photos" / f"{number}.npy" for number in range(3)]
    for number, path in enumerate(paths):
        np.save(path, picture(number))
    found = predict(artifact, paths)
    for number, path in enumerate(paths):
        Image.fromarray(found.class_map(number).astype(np.uint8)).save(tmp_path / "classes" / f"{path.stem}.png")
    return artifact, tmp_path / "photos", tmp_path / "classes"


def test_a_segmenter_scores_100_by_its_own_classes(tiny):
    artifact, photos, masks = tiny
    files = DatasetFiles("masks", (photos, masks))
    labelled, metric = read_labelled(files, "segmentation", artifact.contract.labels)
    scores = miou_scores(predict(artifact, labelled.paths), labelled.annotations, labelled.classes)
    assert (metric, scores.numbers) == ("miou", {"miou": 100, "pixel_accuracy": 100})


def test_the_command_scores_saves_and_scores_again(capsys, tiny, tmp_path):
    artifact, photos, masks = tiny
    asked = ["evaluate", str(artifact.model.parent), "--masks", str(photos), str(masks), "--json"]
    assert main([*asked, "--min-miou", "99", "--save-detections", str(tmp_path / "saved.jsonl")]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*asked, "--detections", str(tmp_path / "saved.jsonl")]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (first["metric"], first["miou"], second["miou"]) == ("miou", 100, 100)
