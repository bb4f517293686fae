"""An artifact is read whole, or refused by the name of what is wrong with it."""

import hashlib
import json

import pytest
from builders.tiny_tflite import tiny_contract

from detlite.runtime.artifact import read_artifact, sha256_of
from detlite.runtime.errors import InputError

MODEL = b"a model"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.tflite").write_bytes(MODEL)
    (tmp_path / "contract.json").write_text(tiny_contract().to_json(), encoding="utf-8")
    write_history(tmp_path, {"steps": [{"step": "convert", "output_sha256": hashlib.sha256(MODEL).hexdigest()}]})
    return tmp_path


def write_history(folder, record):
    (folder / "history.json").write_text(json.dumps(record), encoding="utf-8")


def test_a_digest_is_sha256(folder):
    assert sha256_of(folder / "model.tflite") == hashlib.sha256(MODEL).hexdigest()


def test_an_artifact_is_its_model_contract_and_history(folder):
    artifact = read_artifact(folder)
    assert artifact.model == folder / "model.tflite"
    assert artifact.contract.to_json() == tiny_contract().to_json()
    assert [step["step"] for step in artifact.history] == ["convert"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("model.tflite", "holds no model.tflite or model.onnx: it is not a folder that detlite wrote"),
        ("contract.json", "contract.json is missing: an artifact has a contract.json beside its model"),
        ("history.json", "history.json cannot be read as an artifact's history"),
    ],
)
def test_a_file_that_is_missing_is_named(folder, name, error):
    (folder / name).unlink()
    with pytest.raises(InputError, match=error):
        read_artifact(folder)


def test_a_model_that_was_replaced_is_refused(folder):
    (folder / "model.tflite").write_bytes(b"another")
    found = hashlib.sha256(b"another").hexdigest()
    with pytest.raises(
        InputError, match=f"model.tflite is damaged or was replaced: its sha256 is {found}, its history"
    ):
        read_artifact(folder)


@pytest.mark.parametrize("record", [[], {}, {"steps": []}, {"steps": [1]}, {"steps": {"a": 1}}, {"steps": None}, 5])
def test_a_history_that_is_none_is_refused(folder, record):
    write_history(folder, record)
    with pytest.raises(InputError, match=r"history.json"):
        read_artifact(folder)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[" * 100_000])
@pytest.mark.parametrize("name", ["contract.json", "history.json"])
def test_a_file_that_is_no_json_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_artifact(folder)
