"""Comparing a client's detections with detlite's, and asking a client in an environment of its own."""

import sys
from pathlib import Path

import numpy as np
import pytest
from builders.app_models import raw_model, write_app_model
from PIL import Image

from detlite.accuracy.detect import Detected
from detlite.cli import main
from detlite.devices.packaging.android.client import ClientResults, client_in, run_client
from detlite.devices.packaging.android.identity import compare
from detlite.devices.packaging.android.tasks.detection import PLUGIN as DETECTION
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DeviceError, InputError, MissingToolError

FAKE = """
__version__ = "9.9"

class Image:
    @staticmethod
    def create_from_file(path):
        return path
"""
FAKE_TASKS = """
import json, pathlib, types

class BaseOptions:
    def __init__(self, model_asset_path):
        self.path = model_asset_path

class ObjectDetector:
    def __enter__(self):
        return self
    def __exit__(self, *error):
        return False
    @classmethod
    def create_from_options(cls, options):
        return cls()
    def detect(self, image):
        answer = json.loads(pathlib.Path({answer!r}).read_text())
        box = types.SimpleNamespace(origin_x=10, origin_y=20, width=30, height=40)
        category = types.SimpleNamespace(category_name=answer["label"], score=answer["score"])
        return types.SimpleNamespace(
            detections=[types.SimpleNamespace(bounding_box=box, categories=[category])] * answer["count"]
        )

vision = types.SimpleNamespace(
    ObjectDetector=ObjectDetector, ObjectDetectorOptions=lambda base_options, max_results: base_options
)
"""


@pytest.fixture
def environment(tmp_path):
    """A Python whose mediapipe is ours: it finds what `answer.json` says, at (20, 10) to (60, 40) pixels."""
    folder = tmp_path / "environment" / "mediapipe" / "tasks"
    (folder / "python").mkdir(parents=True)
    (folder.parent / "__init__.py").write_text(FAKE)
    (folder / "__init__.py").write_text("")
    (folder / "python" / "__init__.py").write_text(FAKE_TASKS.format(answer=str(tmp_path / "answer.json")))
    (tmp_path / "answer.json").write_text('{"label": "kite", "score": 0.75, "count": 2}')
    python = tmp_path / "python"  # the first argument is -I, which would hide the folder
    python.write_text(f'#!/bin/sh\nshift\nPYTHONPATH={tmp_path / "environment"} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def detected(rows, sizes=((100, 200),)):
    """Detections of rows of (image, class, score, y1, x1, y2, x2)."""
    table = np.array(rows, np.float64).reshape(-1, 7)
    return Detected(
        boxes=table[:, 3:].astype(np.float32),
        classes=table[:, 1].astype(np.int64),
        scores=table[:, 2].astype(np.float32),
        image_index=table[:, 0].astype(np.int64),
        sizes=np.array(sizes, np.int64),
        invoke_ns=np.zeros(len(sizes), np.int64),
    )


def seen(rows, sizes=((100, 200),)):
    return ClientResults("mediapipe", "9.9", detected(rows, sizes))


def model(second):
    """A detector of a cat, of *second* and of a dog, whose file no one opens."""
    return Artifact(Path("m.tflite"), raw_model(labels=("cat", second, "dog"))[1])


def test_the_best_detections_of_each_image_are_compared():
    sizes = ((100, 200), (100, 200), (100, 200))
    ours = detected([(0, 1, 0.9, 0.1, 0.1, 0.5, 0.5), (1, 2, 0.8, 0.2, 0.2, 0.6, 0.6)], sizes)
    theirs = seen([(0, 1, 0.85, 0.1, 0.1, 0.5, 0.52), (0, 3, 0.4, 0, 0, 1, 1), (1, 1, 0.6, 0.2, 0.2, 0.6, 0.6)], sizes)
    found = compare(DETECTION, theirs, ours, "client")
    assert [found[key] for key in ("client", "images", "compared", "same_class")] == ["mediapipe 9.9", 3, 2, 1]
    assert found["box_difference_max"] == pytest.approx(0.02, abs=1e-4)
    assert (found["score_difference_mean"], found["score_difference_max"]) == (0.125, 0.2)


def test_classes_of_one_label_are_one_class_to_a_client(environment, tmp_path):
    (tmp_path / "answer.json").write_text('{"label": "cat", "score": 0.75, "count": 1}')
    artifact = model("cat")  # classes 0 and 1 are a cat
    theirs = run_client(environment, artifact, [Path("a.png")], [(100, 200)])
    ours = detected([(0, 1, 0.75, 0.2, 0.05, 0.6, 0.2), (0, 2, 0.4, 0, 0, 1, 1)])
    assert compare(DETECTION, theirs, ours, "client")["same_class"] == 0
    told = DETECTION.as_told(ours, artifact.contract.labels)
    assert told.classes.tolist() == [0, 2]
    assert compare(DETECTION, theirs, told, "client")["same_class"] == 1


def test_boxes_are_compared_within_the_image():
    ours = detected([(0, 1, 0.9, -0.3, 0.1, 0.5, 1.4)])
    assert compare(DETECTION, seen([(0, 1, 0.9, 0.0, 0.1, 0.5, 1.0)]), ours, "client")["box_difference_max"] == 0


def test_images_in_which_nothing_is_found_are_no_comparison():
    with pytest.raises(InputError, match=r"in no image do both detlite and the client detect something"):
        compare(DETECTION, seen([]), detected([(0, 1, 0.9, 0, 0, 1, 1)]), "client")


def test_images_in_which_detlite_is_unsure_are_no_comparison():
    with pytest.raises(InputError, match=r"detects nothing with a score of at least 0\.3"):
        compare(DETECTION, seen([(0, 1, 0.2, 0, 0, 1, 1)]), detected([(0, 1, 0.2, 0, 0, 1, 1)]), "client")


def test_an_environment_without_a_client_is_missing_something():
    with pytest.raises(MissingToolError, match=r"has no client: install mediapipe or tflite-support"):
        client_in(Path(sys.executable))


def test_what_is_no_python_is_missing_something(tmp_path):
    with pytest.raises(MissingToolError, match=r"cannot be run as a Python interpreter"):
        client_in(tmp_path / "none")


def test_a_clients_pixels_become_parts_of_the_image(environment):
    found = run_client(environment, model("kite"), [Path("a.png")], [(100, 200)])
    assert (found.client, found.version) == ("mediapipe", "9.9")
    assert found.predictions.boxes[0] == pytest.approx([0.2, 0.05, 0.6, 0.2])
    assert found.predictions.classes.tolist() == [1, 1]


def test_a_python_in_the_current_folder_needs_no_slash(environment, monkeypatch):
    monkeypatch.chdir(environment.parent)
    assert client_in(Path(environment.name)) == "mediapipe"


def test_a_client_that_finds_nothing_is_heard(environment, tmp_path):
    (tmp_path / "answer.json").write_text('{"label": "kite", "score": 0.75, "count": 0}')
    found = run_client(environment, model("kite"), [Path("a.png")], [(100, 200)])
    assert len(found.predictions.scores) == 0


def test_a_label_that_the_model_has_not_is_an_error(environment):
    with pytest.raises(DeviceError, match=r"labels that the model does not have: kite"):
        run_client(environment, model("bird"), [Path("a.png")], [(100, 200)])


def test_a_client_that_fails_is_quoted(environment, tmp_path):
    (tmp_path / "answer.json").write_text("{}")
    with pytest.raises(DeviceError, match=r"failed with status 1: KeyError: 'label'"):
        run_client(environment, model("kite"), [Path("a.png")], [(100, 200)])


def test_the_figures_come_into_manifest_and_readme(environment, tmp_path):
    write_app_model(tmp_path / "app", labels=("cat", "dog", "kite"))
    (tmp_path / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "0.png")
    options = ["--name", "demo", "--client", str(environment), "--images", str(tmp_path / "photos")]
    status = main(["package", str(tmp_path / "app"), "--android", *options, "-o", str(tmp_path / "out")])
    assert status == 0
    assert "| mediapipe 9.9 | client | 1 |" in (tmp_path / "out" / "README.md").read_text()
