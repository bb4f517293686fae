"""The memory of a camera, built with a tiny detector with embeddings."""

import json
import zipfile
from datetime import datetime

import numpy as np
import pytest
from builders.camera_images import write_grey
from builders.float_detector import detector
from builders.json_schemas import check_record
from builders.tiny_streams import embedder

from detlite.runtime.bank_file import RECORD, read_bank
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import BankInput
from detlite.studies.context import build as module
from detlite.studies.context.build import BuildOptions, build_bank

WIDTH = 11
BANK = BankInput("memory", 100, WIDTH)
DAYS = {"c.png": (255, 3), "a.png": (102, 1), "b.png": (51, 2)}
"""Grey value and day of July 2021 of each image."""


@pytest.fixture
def camera(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    for name, (value, day) in DAYS.items():
        write_grey(tmp_path / "photos" / name, value, f"2021:07:0{day} 06:30:00")
    return tmp_path


def built(camera, options=BuildOptions(), **more):  # noqa: B008  # it is frozen
    artifact = embedder().save(camera / "model") if not (camera / "model").exists() else None
    if artifact is None:
        from detlite.runtime.artifact import read_artifact

        artifact = read_artifact(camera / "model")
    images = sorted((camera / "photos").iterdir())
    return build_bank(artifact, images, camera / "memory.npz", options, folder=camera / "photos", **more)


def facts(camera):
    with zipfile.ZipFile(camera / "memory.npz") as whole:
        record = json.loads(whole.read(RECORD))
    check_record(record)
    return record


def test_a_row_is_the_best_detection_of_an_image_by_date(camera):
    result = built(camera)
    found = read_bank(camera / "memory.npz", BANK)
    assert (result.rows, result.width, result.images, result.dropped) == (3, WIDTH, 3, 0)
    assert (result.first, result.last) == (datetime(2021, 7, 1, 6, 30), datetime(2021, 7, 3, 6, 30))
    # the first: grey 0.4 times (1, 2); the box (0, 0, .5, 1); 2021-07-01 06:30
    wanted = [0.4, 0.8, 0.5, 0.25, 1, 0.5, 31 / 40, 0.5, 0, 0.25, 0.5]
    np.testing.assert_allclose(found[0], wanted, atol=1e-4)
    np.testing.assert_allclose(found[:, 0], [0.4, 0.2, 1.0], atol=1e-4)
    assert [row["image"] for row in facts(camera)["rows"]] == ["a.png", "b.png", "c.png"]


def test_several_detections_of_an_image_come_best_first(camera):
    built(camera, BuildOptions(per_image=2))
    found = read_bank(camera / "memory.npz", BANK)
    np.testing.assert_allclose(found[:2, 0], [0.4, 0.8], atol=1e-4)
    assert [row["label"] for row in facts(camera)["rows"][:2]] == ["hare", "deer"]


def test_images_without_an_object_and_most_of_many_are_left_out(camera):
    result = built(camera, BuildOptions(min_score=0.15))
    assert (result.rows, result.without_object) == (2, ("b.png",))
    assert built(camera, BuildOptions(every=2)).rows == 2


def test_the_newest_rows_are_kept_where_there_are_too_many(camera):
    result = built(camera, BuildOptions(rows=2))
    assert (result.rows, result.dropped, result.first.day) == (2, 1, 2)


def test_images_without_a_date_are_left_out_and_named(camera):
    write_grey(camera / "photos" / "d.png", 9)
    assert built(camera).without_date == ("d.png",)


def test_dates_of_a_list_count_where_there_is_one(camera):
    (camera / "dates.csv").write_text("b.png,2001-01-01 00:00:00\n")
    result = built(camera, dates=camera / "dates.csv")
    assert (result.rows, result.first.year) == (1, 2001)


def test_the_same_images_make_the_same_bytes(camera):
    built(camera)
    first = (camera / "memory.npz").read_bytes()
    built(camera)
    assert (camera / "memory.npz").read_bytes() == first


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_done(camera):
    (camera / "photos" / "e.png").write_bytes(b"none")
    (camera / "dates.csv").write_text("".join(f"{n},2021-07-01 00:00:00\n" for n in ("a.png", "e.png")))
    result = built(camera, dates=camera / "dates.csv")
    assert (result.rows, [name for name, _error in result.unread]) == (1, ["e.png"])


def test_an_image_that_has_no_exif_because_it_is_damaged_is_named_with_its_error(camera):
    (camera / "photos" / "e.png").write_bytes(b"none")
    result = built(camera)
    assert (result.rows, result.without_date, [name for name, _error in result.unread]) == (3, (), ["e.png"])


def test_more_embeddings_of_an_image_than_the_model_returns_are_refused(camera):
    with pytest.raises(InputError, match=r"returns 2 embeddings of an image, and 3 are .* with --embeddings 3, or"):
        built(camera, BuildOptions(per_image=3))


def test_a_bank_without_a_row_is_refused_with_the_least_score(camera):
    with pytest.raises(InputError, match=r"nothing was found in 3 images with a score of 0\.9 or more"):
        built(camera, BuildOptions(min_score=0.9))
    assert not (camera / "memory.npz").exists()


def test_what_an_interrupted_build_has_finished_is_not_run_again(camera, monkeypatch):
    asked = []

    def interrupted(task, request, **more):
        asked.append([path.rsplit("/", 1)[1] for path in request["images"]])
        some = {**request, "images": request["images"][:2], "digests": request["digests"][:2]}
        answer = run_in_child(task, some if len(asked) == 1 else request, **more)
        if len(asked) == 1:
            raise KeyboardInterrupt
        return answer

    run_in_child = module.run_in_child
    monkeypatch.setattr(module, "run_in_child", interrupted)
    with pytest.raises(KeyboardInterrupt):
        built(camera)
    assert not (camera / "memory.npz").exists()
    assert built(camera).rows == 3
    assert asked == [["a.png", "b.png", "c.png"], ["c.png"]]


def test_a_model_without_embeddings_is_refused(camera):
    with pytest.raises(InputError, match="returns no embeddings: convert the Faster R-CNN"):
        build_bank(detector().save(camera / "other"), [], camera / "memory.npz", BuildOptions())


def test_images_of_which_no_date_is_known_are_refused(camera):
    write_grey(camera / "photos" / "a.png", 9)
    with pytest.raises(InputError, match=r"no date of 1 image is known: their EXIF does not say .* with --dates FILE"):
        build_bank(
            embedder().save(camera / "model"), [camera / "photos" / "a.png"], camera / "memory.npz", BuildOptions()
        )
