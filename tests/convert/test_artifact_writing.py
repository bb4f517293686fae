"""Writing an artifact: whole or not at all."""

import json
from pathlib import Path

import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.convert.artifact import prepare_output, step
from detlite.convert.model import Model
from detlite.runtime.artifact import read_artifact
from detlite.runtime.errors import InputError

HISTORY = (step("convert", input_sha256="0" * 64),)


def test_what_is_written_is_read_again(tmp_path):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    artifact = read_artifact(tmp_path / "x")
    assert artifact.contract.to_json() == tiny_contract().to_json()
    assert artifact.history[0]["output_sha256"]


def test_labels_stand_one_a_line(tmp_path):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    assert (tmp_path / "x" / "labels.txt").read_text() == "class 0\nclass 1\nclass 2\n"


def test_a_folder_that_was_being_replaced_when_killed_comes_back(tmp_path):
    old = tmp_path / ".x.abc.old" / "x"
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(old)
    (tmp_path / ".x.def.partial").mkdir()
    with pytest.raises(InputError, match="already contains"):
        Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    assert read_artifact(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_place_that_cannot_be_written_to_is_said():
    with pytest.raises(InputError, match="/proc/x cannot be written: .* choose another folder"):
        prepare_output(Path("/proc/x"), force=False)


def test_preparing_leaves_no_trace(tmp_path):
    prepare_output(tmp_path / "a" / "b" / "c", force=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"steps": []}', '{"steps": [1]}', '{"steps": {"a": 1}}'])
def test_a_damaged_history_is_refused(tmp_path, text):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    (tmp_path / "x" / "history.json").write_text(text)
    with pytest.raises(InputError, match=r"history.json"):
        read_artifact(tmp_path / "x")


def test_an_artifact_without_its_contract_is_refused(tmp_path):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    (tmp_path / "x" / "contract.json").unlink()
    with pytest.raises(InputError, match=r"contract.json is missing: an artifact has a contract.json beside its model"):
        read_artifact(tmp_path / "x")


def test_the_history_is_json_with_a_schema(tmp_path):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    record = json.loads((tmp_path / "x" / "history.json").read_text())
    assert (record["schema"], record["schema_version"]) == ("detlite.history", 1)
