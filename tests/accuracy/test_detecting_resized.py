"""Detecting in images that were resized as a client does: which pixels are handed on, and what comes back."""

from contextlib import nullcontext

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract

from detlite.accuracy.client_resize import client_resize
from detlite.accuracy.detect import Detected
from detlite.accuracy.resized import AT_ONCE, ResizedAs
from detlite.runtime.artifact import Artifact


class Found:
    """Finds one thing in every image, whose class is the number of the call; keeps the images that it is handed."""

    def __init__(self):
        self.calls = []

    def ready(self):
        return nullcontext()

    def detect(self, artifact, paths, *, threads=1, upright=True, progress=None):
        self.calls.append([np.load(path) for path in paths])
        count = len(paths)
        return Detected(
            boxes=np.tile(np.array([0.1, 0.2, 0.3, 0.4], np.float32), (count, 1)),
            classes=np.full(count, len(self.calls), np.int64),
            scores=np.full(count, 0.5, np.float32),
            image_index=np.arange(count),
            sizes=np.array([image.shape[:2] for image in self.calls[-1]], np.int64).reshape(-1, 2),
            invoke_ns=np.ones(count, np.int64),
            wall_s=1.0,
            runtime="none 1",
        )

    def facts(self):
        return {"processor": "P"}


@pytest.fixture
def artifact(tmp_path):
    return Artifact(tmp_path / "none.tflite", tiny_contract())


def images(folder, count, size=(11, 13)):
    paths = [folder / f"{number}.npy" for number in range(count)]
    for number, path in enumerate(paths):
        np.save(path, np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8))
    return paths


def test_the_model_is_handed_what_the_client_would_make_of_the_image(artifact, tmp_path):
    found, (path,) = Found(), images(tmp_path, 1)
    ResizedAs("mediapipe", found).detect(artifact, [path])
    image = artifact.contract.image
    assert found.calls[0][0].tolist() == client_resize(np.load(path), image.height, image.width, "mediapipe").tolist()


def test_the_sizes_are_those_of_the_images_as_they_were(artifact, tmp_path):
    detected = ResizedAs("task-library", Found()).detect(artifact, images(tmp_path, 2))
    assert detected.sizes.tolist() == [[11, 13], [11, 13]]


def test_many_images_are_detected_in_part_by_part(artifact, tmp_path):
    found = Found()
    detected = ResizedAs("mediapipe", found).detect(artifact, images(tmp_path, AT_ONCE + 2))
    assert [len(call) for call in found.calls] == [AT_ONCE, 2]
    assert detected.image_index.tolist() == list(range(AT_ONCE + 2))
    assert detected.classes[[0, AT_ONCE]].tolist() == [1, 2]
    assert (detected.wall_s, detected.runtime) == (2.0, "none 1")


def test_the_device_is_that_of_the_detector():
    assert ResizedAs("mediapipe", Found()).facts() == {"processor": "P"}
