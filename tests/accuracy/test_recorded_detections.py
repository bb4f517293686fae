"""Detections that a board computed, scored on the workstation."""

import json
import subprocess
import sys

import numpy as np
import pytest
from builders.tiny_tflite import save_tiny

from detlite.accuracy.detect import detect
from detlite.accuracy.recorded import Recorded, save_results
from detlite.cli import main
from detlite.devices.packaging.zipapp import board_program
from detlite.runtime.errors import InputError

COLUMNS = ("boxes", "classes", "scores", "image_index", "sizes")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    return save_tiny(folder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        np.save(folder / f"{seed}.npy", np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8))
    return folder


@pytest.fixture(scope="module")
def run(artifact, photos, tmp_path_factory):
    """A run that was measured with --accuracy."""
    out = tmp_path_factory.mktemp("runs") / "run"
    wanted = ("--images", photos, "--accuracy", "--processes", 1, "--queries", 40, "--min-seconds", 0, "-o", out)
    assert main(["measure", *map(str, (artifact.model.parent, *wanted))]) == 0
    return out


@pytest.fixture(scope="module")
def truth(photos, tmp_path_factory):
    """Labels that call the whole of each picture a thing of class 0."""
    names = [path.name for path in sorted(photos.iterdir())]
    whole = {"category_id": 1, "bbox": [0, 0, 40, 30]}
    record = {
        "images": [{"id": i, "file_name": name, "height": 30, "width": 40} for i, name in enumerate(names)],
        "annotations": [{"id": i + 1, "image_id": i, **whole} for i in range(len(names))],
        "categories": [{"id": i + 1, "name": f"class {i}"} for i in range(3)],
    }
    path = tmp_path_factory.mktemp("truth") / "instances.json"
    path.write_text(json.dumps(record))
    return path


def test_a_run_holds_what_this_machine_finds(artifact, photos, run):
    paths = sorted(photos.iterdir())[::-1]
    want, found = detect(artifact, paths), Recorded(run).detect(artifact, paths)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(want, name))
    assert (found.runtime, found.invoke_sum_s > 0) == (want.runtime, True)


def test_a_run_says_on_which_device_it_was_made(run):
    assert (
        Recorded(run).facts()["fingerprint"]
        == json.loads((run / "measurement.json").read_text())["device"]["fingerprint"]
    )


def test_lines_of_the_boards_program_are_scored_too(artifact, photos, tmp_path):
    program, lines = tmp_path / "board.pyz", tmp_path / "lines"
    program.write_bytes(board_program())
    paths = sorted(photos.iterdir())
    done = subprocess.run(
        [sys.executable, "-B", program, "detect", artifact.model.parent, *paths, "--lines"],
        capture_output=True,
        check=True,
    )
    lines.write_bytes(done.stdout)
    want, found = detect(artifact, paths), Recorded(lines).detect(artifact, paths)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(want, name))
    assert Recorded(lines).facts() == {}


def evaluated(capsys, *arguments):
    status = main(["evaluate", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_detections_of_a_board_are_scored_as_if_they_were_made_here(capsys, artifact, photos, run, truth):
    common = (artifact.model.parent, "--coco", photos, truth)
    _status, here = evaluated(capsys, *common)
    _status, there = evaluated(capsys, *common, "--detections", run)
    numbers = ("map", "map50", "ar100", "detections", "model_sha256")
    assert [there[key] for key in numbers] == [here[key] for key in numbers]
    assert ("detect_wall_s" in there, here["detect_wall_s"] > 0) == (False, True)


def test_the_quality_target_of_the_runs_preset_is_a_gate(capsys, artifact, photos, run, truth, tmp_path):
    asked = json.loads((run / "protocol.json").read_text())
    copy = tmp_path / "run"
    copy.mkdir()
    for name in ("detections.jsonl", "measurement.json"):
        (copy / name).write_bytes((run / name).read_bytes())
    (copy / "protocol.json").write_text(json.dumps({**asked, "quality_map": 100.5}))
    status, record = evaluated(capsys, artifact.model.parent, "--coco", photos, truth, "--detections", copy)
    assert status == 1
    assert [(gate["name"], gate["wanted"], gate["passed"]) for gate in record["gates"]] == [("min_map", 100.5, False)]


def damaged(run, tmp_path, change):
    path = tmp_path / "lines"
    path.write_bytes(change((run / "detections.jsonl").read_bytes()))
    return path


def without_last_line(data):
    return data[: data.rstrip().rfind(b"\n") + 1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: b"", "holds no detections"),
        (lambda data: b"{}\n", "holds no detections"),
        (lambda data: data[:-5], "is damaged"),
        (lambda data: b"\0\xff" + data, "is damaged"),
        (lambda data: data.replace(b'"classes"', b'"klasses"'), "holds no detections"),
        (lambda data: data.replace(b'"model_sha256": "', b'"model_sha256": "0'), "give the model that was run"),
        (without_last_line, "has no results for 1 of 4 images; the first is 3.npy"),
        (lambda data: data.replace(b'"boxes": [[', b'"boxes": [[0.5, ', 1), "is damaged"),
        (lambda data: data.replace(b'"scores": [', b'"scores": [0.5, ', 1), "want as many"),
        (lambda data: data.replace(b'"scores": [', b'"scores": ["x", ', 1), "is damaged"),
    ],
)
def test_damaged_lines_are_refused(artifact, photos, run, tmp_path, change, text):
    with pytest.raises(InputError, match=text):
        Recorded(damaged(run, tmp_path, change)).detect(artifact, sorted(photos.iterdir()))


def test_a_run_without_detections_says_what_to_do(artifact, photos, tmp_path):
    with pytest.raises(InputError, match="give a run measured with --accuracy, or the lines of board.pyz detect"):
        Recorded(tmp_path).detect(artifact, sorted(photos.iterdir()))


def test_detections_and_a_device_exclude_each_other(capsys, artifact, photos, run, truth):
    arguments = (artifact.model.parent, "--coco", photos, truth, "--detections", run, "--device", "pixel8")
    assert main(["evaluate", *map(str, arguments)]) == 2


def test_saved_detections_are_the_lines_of_the_boards_program(capsys, artifact, photos, run, truth, tmp_path):
    common = (artifact.model.parent, "--coco", photos, truth)
    evaluated(capsys, *common, "--save-detections", tmp_path / "saved.jsonl")
    for ours, theirs in zip(lines_of(tmp_path / "saved.jsonl"), lines_of(run / "detections.jsonl"), strict=True):
        assert {**ours, "invoke_ns": 0} == {**theirs, "invoke_ns": 0}


def lines_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_saved_detections_have_the_same_score(capsys, artifact, photos, truth, tmp_path):
    common = (artifact.model.parent, "--coco", photos, truth)
    _status, first = evaluated(capsys, *common, "--save-detections", tmp_path / "saved.jsonl")
    _status, second = evaluated(capsys, *common, "--detections", tmp_path / "saved.jsonl")
    assert (first["map"], first["detections"]) == (second["map"], second["detections"])


def test_saved_detections_are_never_overwritten(capsys, artifact, photos, truth, tmp_path):
    (tmp_path / "saved.jsonl").write_text("mine")
    arguments = (artifact.model.parent, "--coco", photos, truth, "--save-detections", tmp_path / "saved.jsonl")
    assert main(["evaluate", *map(str, arguments)]) == 2
    assert "saved.jsonl exists already: remove it, or choose another file" in capsys.readouterr().err
    assert (tmp_path / "saved.jsonl").read_text() == "mine"


def test_two_images_of_one_name_cannot_be_saved(artifact, photos, tmp_path):
    path = next(iter(sorted(photos.iterdir())))
    found = detect(artifact, [path, path])
    with pytest.raises(InputError, match=r"0\.npy is the name of two images"):
        save_results(tmp_path / "saved.jsonl", artifact, [path, path], found)
