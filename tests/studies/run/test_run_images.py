"""Which images a run calibrates with, and which it scores."""

import json

import pytest
from builders.model_files import write_photos

from detlite.runtime.errors import InputError
from detlite.studies.run.images import CalibrationChoice, coco_sets, folder_sets, video_sets


@pytest.fixture
def photos(tmp_path):
    write_photos(tmp_path / "photos")
    return tmp_path / "photos"


def names(images):
    return [path.name for path in images.paths]


def test_without_images_apart_none_is_in_both(photos):
    found = folder_sets(photos, CalibrationChoice(count=100))
    assert (len(found.calibration.paths), len(found.evaluation.paths)) == (2, 4)
    assert not set(found.calibration.paths) & set(found.evaluation.paths)


def test_with_images_apart_all_others_are_scored(photos, tmp_path):
    write_photos(tmp_path / "more")
    found = folder_sets(photos, CalibrationChoice(count=3, apart=tmp_path / "more"))
    assert (len(found.calibration.paths), len(found.evaluation.paths)) == (3, 6)
    assert all(path.parent.name == "more" for path in found.calibration.paths)
    assert found.cautions == ()


def test_the_same_seed_chooses_the_same_images_apart(photos, tmp_path):
    write_photos(tmp_path / "more")
    choices = [CalibrationChoice(count=3, seed=seed, apart=tmp_path / "more") for seed in (1, 1, 2)]
    first, again, other = (names(folder_sets(photos, choice).calibration) for choice in choices)
    assert first == again
    assert first != other


def test_images_that_are_in_both_are_a_caution(photos):
    found = folder_sets(photos, CalibrationChoice(count=3, apart=photos))
    assert found.cautions == ("3 of the scored images were calibrated with: give others with --calibrate",)


def test_a_scheme_that_packs_weights_scores_every_image(photos):
    found = folder_sets(photos, CalibrationChoice(count=100, is_needed=False))
    assert (found.calibration.paths, len(found.evaluation.paths)) == ((), 6)


def test_labelled_images_are_all_scored_with_images_apart(photos, tmp_path):
    write_photos(tmp_path / "more")
    images = [{"id": i, "file_name": f"{i}.png", "height": 60, "width": 80} for i in range(6)]
    objects = [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 0}]
    labels = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    choice = CalibrationChoice(count=2, apart=tmp_path / "more")
    found = coco_sets(photos, tmp_path / "labels.json", choice)
    assert found.annotations is not None
    assert (len(found.evaluation.paths), len(found.annotations.images)) == (6, 6)


def test_videos_to_calibrate_with_that_are_not_there_are_told(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"video")
    with pytest.raises(InputError, match="missing is no folder: give a folder of videos"):
        video_sets(tmp_path / "clips", CalibrationChoice(count=3, apart=tmp_path / "missing"))
