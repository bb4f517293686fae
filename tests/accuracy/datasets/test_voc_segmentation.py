"""Pascal VOC's masks, whole or by a list in its ImageSets."""

import numpy as np
import pytest
from PIL import Image

from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.datasets.voc_segmentation import items
from detlite.accuracy.ground_truth import read_labelled
from detlite.runtime.errors import InputError

LABELS = ("background", "aeroplane", "bicycle")


@pytest.fixture
def voc(tmp_path):
    """Three images, masks of two of them, and a list with one."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("one", "two", "three"):
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
    for number, name in enumerate(("one", "two"), 1):
        mask = Image.fromarray(np.full((2, 3), number, np.uint8), "P")
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        mask.save(tmp_path / "SegmentationClass" / f"{name}.png")
    (tmp_path / "ImageSets" / "Segmentation" / "val.txt").write_text("two\n")
    return tmp_path


def names(path):
    found, metric = read_labelled(DatasetFiles("voc_segmentation", (path,)), "segmentation", LABELS)
    assert metric == "miou"
    return [image.file_name for image in found.annotations.images]


def test_all_images_with_a_mask_are_scored(voc):
    assert names(voc) == ["one.jpg", "two.jpg"]


def test_a_list_names_the_images(voc):
    assert names(voc / "ImageSets" / "Segmentation" / "val.txt") == ["two.jpg"]


def test_calibration_sees_the_images(voc):
    assert [item.name for item in items((voc,))] == ["one.jpg", "two.jpg"]


def test_a_list_with_an_image_that_has_no_mask_is_refused(voc):
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("two\nthree\n")
    with pytest.raises(InputError, match=r"SegmentationClass has no three.png \(1 of 2 are missing\)"):
        names(voc / "ImageSets" / "Segmentation" / "val.txt")


def test_a_folder_of_another_layout_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder with JPEGImages and SegmentationClass, as Pascal VOC's"):
        names(tmp_path)


def test_an_empty_list_is_refused(voc):
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("\n")
    with pytest.raises(InputError, match="names no image"):
        names(voc / "ImageSets" / "Segmentation" / "val.txt")
