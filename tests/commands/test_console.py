"""What commands print of names and labels that hold control characters."""

import json

import numpy as np
import pytest
from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.runtime.printable import CONTROLS


@pytest.fixture
def hostile(tmp_path):
    """An artifact whose labels clear the screen."""
    folder = save_tiny(tmp_path / "tiny").model.parent
    contract = json.loads((folder / "contract.json").read_text())
    contract["labels"] = [f"class\x1b[2J\x9b{number}" for number in range(len(contract["labels"]))]
    (folder / "contract.json").write_text(json.dumps(contract))
    np.save(tmp_path / "photo.npy", np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    return folder


def test_the_escapes_of_a_files_name_are_shown(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "a\x1b]0;title\x07.pb")]) == 2
    said = capsys.readouterr()
    assert "a\\u001b]0;title\\u0007.pb" in said.err
    assert not CONTROLS.search(said.out + said.err)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_the_escapes_of_a_label_are_shown(hostile, tmp_path, capsys, as_json):
    assert main(["detect", str(hostile), str(tmp_path / "photo.npy"), "--score-threshold", "0", *as_json]) == 0
    said = capsys.readouterr()
    assert "class\\u001b[2J\\u009b0" in said.out
    assert not CONTROLS.search(said.out + said.err)


def test_json_still_holds_the_label_itself(hostile, tmp_path, capsys):
    assert main(["detect", str(hostile), str(tmp_path / "photo.npy"), "--score-threshold", "0", "--json"]) == 0
    (image,) = json.loads(capsys.readouterr().out)["images"]
    assert {one["label"] for one in image["detections"]} <= {f"class\x1b[2J\x9b{number}" for number in range(3)}
    assert image["detections"]
