"""`detlite quantize`: images from each source, checked where that is asked for, and nothing half-written."""

import json
import os
import shutil

import pytest
from builders.float_detector import detector, write_images
from builders.image_files import labelled_example, record, write_tar
from PIL import Image

from detlite.cli import main


@pytest.fixture
def work(tmp_path):
    """A folder with a float artifact `float` and the images `images`."""
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=24)
    made = detector()
    made.save(tmp_path / "float")
    return tmp_path


@pytest.fixture
def quantize(work, capsys):
    """Run the command on `float`, writing `int8`; returns the exit status, stdout and the last line of stderr."""

    def run(*options):
        status = main(["quantize", str(work / "float"), "-o", str(work / "int8"), *map(str, options)])
        said = capsys.readouterr()
        return status, said.out, said.err.strip().splitlines()[-1]

    return run


@pytest.fixture(autouse=True)
def cache(tmp_path):
    """A cache folder of its own: the child reads the environment."""
    before = os.environ.get("DETLITE_CACHE")
    os.environ["DETLITE_CACHE"] = str(tmp_path / "cache")
    yield tmp_path / "cache"
    os.environ.pop("DETLITE_CACHE")
    if before is not None:
        os.environ["DETLITE_CACHE"] = before


def history(work):
    return json.loads((work / "int8" / "history.json").read_text())["steps"][-1]


def model(work):
    return (work / "int8" / "model.tflite").read_bytes()


def members(work):
    return [(path.name, path.read_bytes()) for path in sorted((work / "images").iterdir())]


def test_a_tar_and_a_folder_of_the_same_images_give_the_same_model(quantize, work):
    write_tar(work / "images.tar", members(work))
    assert quantize("--images", work / "images", "--count", 6)[0] == 0
    assert history(work)["images"] == "6 of 24 (stratified, seed 0): images images"
    first, digest = model(work), history(work)["images_sha256"]
    assert quantize("--tar", work / "images.tar", "--count", 6, "--force")[0] == 0
    assert (model(work), history(work)["images_sha256"]) == (first, digest)
    assert history(work)["images"] == "6 of 24 (stratified, seed 0): tar images.tar"


def test_a_tfrecord_is_taken(quantize, work):
    (work / "train.record").write_bytes(b"".join(record(labelled_example(number)) for number in range(8)))
    assert quantize("--tfrecord", work / "train.record", "--count", 6)[0] == 0


@pytest.mark.parametrize(("count", "told"), [(1, True), (8, False)])
def test_too_few_images_are_taken_and_told(quantize, work, count, told):
    status, _out, err = quantize("--images", work / "images", "--count", count)
    assert status == 0
    assert ("fewer than 8 images leave the ranges to chance" in err) is told


def test_a_gate_is_judged_on_other_images_of_a_tar_first(quantize, work):
    write_tar(work / "images.tar", members(work))
    status, out, _err = quantize("--tar", work / "images.tar", "--count", 6, "--min-fidelity", 5, "--json")
    record = json.loads(out)
    assert (status, record["scored_images"], record["scored_calibration_images"]) == (0, 24, 6)


def test_what_lint_finds_stands_in_the_answer(quantize, work):
    (work / "images" / "again.npy").write_bytes((work / "images" / "00.npy").read_bytes())
    (work / "images" / "broken.png").write_bytes(b"nothing")
    status, out, _err = quantize("--images", work / "images", "--count", 30, "--lint", "--json")
    found = json.loads(out)["lint"]
    assert status == 0
    assert [len(one["images"]) for one in found["duplicates"]] == [2]
    assert len(found["broken"]) == 1
    assert found["leaked"] == found["blank"] == []


def test_validation_images_fail_where_that_is_asked_for_and_nothing_is_written(quantize, work):
    shutil.copytree(work / "images", work / "val")  # 6 images are too little variety as well
    (work / "val" / "00.npy").rename(work / "val" / "renamed.npy")
    status, out, err = quantize(
        "--images", work / "images", "--count", 6, "--lint-against", work / "val", "--fail-on-lint", "--json"
    )
    assert status == 1
    assert "6 of 6 images are in the validation split" in json.loads(out)["lint"]["leaked"][0]["text"]
    assert err.startswith("detlite: --fail-on-lint: 2 findings; nothing was written")
    assert not (work / "int8").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "calibrate with in one way, as one of: --class-folders FOLDER, --coco IMAGES ANNOTATIONS"),
        (("--images", "a", "--tar", "b"), "give the images to calibrate with in one way"),
        (("--tar", "absent.tar"), "absent.tar does not exist"),
        (("--images", "images", "--curve", "2,4", "--lint"), "--curve and --lint"),
        (("--images", "images", "--lint-against", "absent"), "--lint-against"),
        (("--images", "black"), "no image of 2 has more than one colour"),
        (("--images", "cut"), "is no image, or is damaged"),
        (("--npz", "cut/cut.png"), "truncated, damaged or no .npz file"),
    ],
)
def test_images_that_will_not_do_are_told_in_one_line_and_nothing_is_written(quantize, work, cache, options, text):
    for name, shade in (("black", 0), ("cut", 90)):
        (work / name).mkdir()
        for number in range(2):
            Image.new("RGB", (40, 40), (shade,) * 3).save(work / name / f"{number}.png")
    (work / "cut" / "cut.png").write_bytes((work / "cut" / "0.png").read_bytes()[:70])
    paths = [work / one if not str(one).startswith("-") and "," not in one else one for one in options]
    status, out, err = quantize(*paths)
    assert (status, out) == (2, "")
    assert text in err
    assert not (work / "int8").exists()
    assert not cache.exists()
