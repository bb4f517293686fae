"""An .onnx file that detlite exported says itself how to use it, wherever it is copied."""

import json
import shutil

import numpy as np
import pytest
from builders.tiny_onnx import tiny_onnx
from builders.tiny_tflite import save_tiny
from PIL import Image

from detlite.cli import main
from detlite.convert.artifact import known_artifact, open_artifact
from detlite.convert.onnx.metadata import contract_in
from detlite.runtime.errors import ContractError, InputError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def exported(tmp_path):
    """The folder of an exported artifact."""
    save_tiny(tmp_path / "tiny")
    assert main(["export", str(tmp_path / "tiny"), "--to", "onnx", "-o", str(tmp_path / "onnx")]) == 0
    return tmp_path / "onnx"


@pytest.fixture
def copied(exported, tmp_path):
    """Its model file alone, under another name."""
    return shutil.copy(exported / "model.onnx", tmp_path / "detector.onnx")


def test_the_contract_in_the_file_is_that_of_the_artifact(exported, copied):
    found = contract_in(copied)
    assert found is not None
    assert found.to_json() == (exported / "contract.json").read_text()
    assert open_artifact(copied).contract.labels == found.labels


def test_a_file_of_another_tool_has_none(tmp_path):
    (tmp_path / "bare.onnx").write_bytes(tiny_onnx())
    assert contract_in(tmp_path / "bare.onnx") is None
    with pytest.raises(InputError, match=r"bare\.onnx has no contract\.json beside it and no contract in it"):
        open_artifact(tmp_path / "bare.onnx")
    assert known_artifact(tmp_path / "bare.onnx") is None


@pytest.mark.parametrize("data", [b"no model", b"\xff" * 40])
def test_a_damaged_file_is_named_with_the_byte(tmp_path, data):
    (tmp_path / "bad.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.onnx: the ONNX model is damaged at byte"):
        open_artifact(tmp_path / "bad.onnx")


def test_a_damaged_contract_in_the_file_is_told(copied):
    model = onnx.load(copied)
    for entry in model.metadata_props:
        entry.value = "{"
    onnx.save(model, copied)
    with pytest.raises(ContractError, match="the contract"):
        open_artifact(copied)


def test_the_file_alone_is_inspected_and_detects(capsys, copied, tmp_path):
    capsys.readouterr()
    assert main(["inspect", str(copied), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["is"], record["format"]) == ("a detector with raw heads, onnx", "ONNX model of detlite")
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / "photos" / "0.png")
    assert main(["detect", str(copied), str(tmp_path / "photos")]) == 0
