"""`detlite package --runtime` packs what the other commands run: an artifact, or a model file by itself."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.convert.artifact import open_artifact
from detlite.runtime.session import Session


@pytest.fixture
def artifact(tmp_path):
    """A detector with its post-processing op."""
    save_tiny(tmp_path / "tiny")
    assert main(["postprocess", str(tmp_path / "tiny"), "--add", "-o", str(tmp_path / "op")]) == 0
    return tmp_path / "op"


@pytest.fixture
def board(tmp_path):
    """Pack a model, run the program on a photo, and return what it finds."""
    np.save(tmp_path / "photo.npy", np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(model):
        program = tmp_path / f"{model.stem}.pyz"
        assert main(["package", "--runtime", str(model), "-o", str(program)]) == 0
        command = [sys.executable, "-I", program, "detect", tmp_path / "photo.npy", "--json"]
        ran = subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
        return json.loads(ran.stdout)["images"]

    return run


def test_a_model_file_by_itself_is_packed(artifact, board, tmp_path):
    alone = tmp_path / "alone.tflite"
    shutil.copyfile(artifact / "model.tflite", alone)
    (found,) = board(alone)
    wanted = Session(open_artifact(alone)).run(np.load(tmp_path / "photo.npy")).above(0.3)
    assert found["detections"] == [one.to_record() for one in wanted] != []


def test_the_model_file_of_a_folder_is_packed_with_its_labels(artifact, board):
    assert board(artifact / "model.tflite") == board(artifact)


def test_a_file_of_which_nothing_says_how_it_is_used_is_refused(capsys, tmp_path):
    save_tiny(tmp_path / "tiny")
    shutil.copyfile(tmp_path / "tiny" / "model.tflite", tmp_path / "heads.tflite")
    out = tmp_path / "board.pyz"
    assert main(["package", "--runtime", str(tmp_path / "heads.tflite"), "-o", str(out)]) == 2
    assert "heads.tflite" in capsys.readouterr().err
    assert not out.exists()
