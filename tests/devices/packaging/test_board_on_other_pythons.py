"""The board's program with the Pythons and interpreters that boards have, each in an environment of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from builders.tiny_streams import bank_reader, clip_reader, running_sum
from builders.tiny_tasks import tiny_task
from builders.tiny_tflite import save_tiny

from detlite.devices.packaging.zipapp import board_program
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.plugins import plugin_names
from detlite.runtime.session import Session
from detlite.runtime.task import TASKS
from detlite.runtime.tasks.detection import Detections

pytestmark = pytest.mark.slow

ENVIRONMENTS = [
    ("3.9", ("tflite-runtime==2.14.0", "numpy<2")),
    ("3.10", ("tflite-runtime==2.14.0", "numpy<2")),
    ("3.12", ("ai-edge-litert",)),
    ("3.13", ("ai-edge-litert",)),
]


def python_called(version):
    """A Python of *version* on the path, or in the user's pyenv; a shim may be there that has none behind it."""
    found = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            return path
    return None


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=lambda one: one[0])
def board(request, tmp_path_factory):
    """Runs the program in one of the environments."""
    version, packages = request.param
    python = python_called(version)
    if python is None:
        pytest.skip(f"no Python {version} is installed")
    folder = tmp_path_factory.mktemp("board")
    (folder / "board.pyz").write_bytes(board_program())
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    subprocess.run([folder / "venv/bin/pip", "install", "-q", *packages], check=True, capture_output=True)

    def run(*arguments):
        command = [folder / "venv/bin/python", "-I", folder / "board.pyz", *arguments]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, env=environment)

    run.packages = packages
    return run


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact") / "tiny"
    return save_tiny(folder)


def test_the_selftest_passes(board):
    ran = board("selftest", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    interpreter = next(check for check in json.loads(ran.stdout)["checks"] if check["check"] == "interpreter")
    assert interpreter["text"].startswith(board.packages[0].partition("=")[0])


def test_it_finds_what_the_workstation_finds(board, artifact, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.save(tmp_path / "photo.npy", image)
    want: Detections = Session(artifact).run(image)
    ran = board("detect", artifact.model.parent, tmp_path / "photo.npy", "--json")
    found = json.loads(ran.stdout)["images"][0]["detections"]
    assert [one["class"] for one in found] == want.classes.tolist()
    np.testing.assert_allclose([one["score"] for one in found], want.scores, atol=1e-6)


@pytest.mark.parametrize("kind", plugin_names(TASKS))
def test_it_does_each_task_as_the_workstation_does(board, kind, tmp_path):
    finds_the_same(board, tiny_task(kind, letterbox=Letterbox("center")), tmp_path)


@pytest.mark.parametrize("make", [running_sum, bank_reader, clip_reader])
def test_it_feeds_states_banks_and_clips_as_the_workstation_does(board, make, tmp_path):
    finds_the_same(board, make(), tmp_path)


def finds_the_same(board, model, folder):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.save(folder / "photo.npy", image)
    saved = model.save(folder / "tiny")
    want = Session(saved).run(image)
    ran = board("detect", saved.model.parent, folder / "photo.npy", "--json")
    assert ran.returncode == 0, ran.stderr
    (record,) = json.loads(ran.stdout)["images"]
    expected = [one.to_record() for one in want.above(0)]
    assert expected
    assert [one["class"] for one in record[want.listed]] == [one["class"] for one in expected]
    for number in ("score", "box"):
        found = [one.get(number, ()) for one in record[want.listed]]
        np.testing.assert_allclose(found, [one.get(number, ()) for one in expected], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scenario", ["single-stream", "multi-stream", "server", "offline"])
def test_it_measures_by_every_scenario(board, artifact, scenario):
    ran = board(
        *("measure", artifact.model.parent, "--scenario", scenario, "--json"),
        *("--processes", "1", "--min-seconds", "0.2", "--target-qps", "1000", "--queries", "30"),
    )
    record = json.loads(ran.stdout)
    assert (ran.returncode, record["scenario"], record["failure"]) == (0, scenario, None)
    assert record["samples"] > 0
