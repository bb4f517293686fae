"""Writing an artifact: whole or not at all."""

import json
import re
from pathlib import Path

import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.calibration.ranges.ranges import RANGES
from detlite.convert.artifact import history_json, prepare_output, step, write_folder
from detlite.convert.model import Model
from detlite.runtime.artifact import read_artifact
from detlite.runtime.errors import InputError
from detlite.studies.search.page import PAGE, RECORD

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
    old = tmp_path / ".x.abcd1234.old" / "x"
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(old)
    (tmp_path / ".x.efgh56_8.partial").mkdir()
    with pytest.raises(InputError, match="already contains"):
        Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    assert read_artifact(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", [".x.mine.old", ".x.mine.partial", ".x.my-notes.partial", ".xx.abcd1234.old"])
def test_a_neighbour_of_another_name_is_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "notes.txt").write_text("mine")
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    assert (tmp_path / name / "notes.txt").read_text() == "mine"


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


@pytest.mark.parametrize(
    ("value", "said"),
    [("NaN", "it holds NaN"), ("1e400", "the number 1e400 is too large"), ('"\\ud800"', "half of a surrogate pair")],
)
def test_a_history_with_what_is_no_json_is_refused(tmp_path, value, said):
    Model(tiny_model(), "tflite", tiny_contract(), HISTORY).save(tmp_path / "x")
    path = tmp_path / "x" / "history.json"
    path.write_text(path.read_text().replace('"steps": [', f'"other": {value}, "steps": ['))
    with pytest.raises(InputError, match=rf"history.json.*{said}"):
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


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("strangers", "named"),
    [
        (["notes.txt"], "contains notes.txt, which"),
        (["runs/1/p90.json"], "contains runs/1/p90.json, which"),
        (["a", "b", "c", "d", "e"], "contains a, b, c and 2 more, which"),
        (["labels.txt.bak", ".hidden"], "contains .hidden, labels.txt.bak, which"),
    ],
)
def test_an_artifact_with_files_of_the_user_is_not_replaced(tmp_path, strangers, named):
    model, out = Model(tiny_model(), "tflite", tiny_contract(), HISTORY), tmp_path / "x"
    model.save(out)
    for name in strangers:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=f"{re.escape(named)} detlite did not write: .* move that away"):
        model.save(out, force=True)
    assert tree(tmp_path) == before


def test_an_empty_folder_of_the_user_is_not_replaced(tmp_path):
    model = Model(tiny_model(), "tflite", tiny_contract(), HISTORY)
    model.save(tmp_path / "x")
    (tmp_path / "x" / "photos").mkdir()
    with pytest.raises(InputError, match="contains photos/, which"):
        model.save(tmp_path / "x", force=True)


def test_a_link_of_the_user_is_not_replaced(tmp_path):
    model = Model(tiny_model(), "tflite", tiny_contract(), HISTORY)
    model.save(tmp_path / "x")
    (tmp_path / "photos").mkdir()
    (tmp_path / "x" / "link").symlink_to(tmp_path / "photos")
    with pytest.raises(InputError, match="contains link, which"):
        model.save(tmp_path / "x", force=True)


def test_an_artifact_with_all_that_detlite_writes_is_replaced(tmp_path):
    model = Model(tiny_model(), "tflite", tiny_contract(), HISTORY)
    model.save(tmp_path / "x", files={RANGES: "{}", PAGE: "<p>", RECORD: "{}"})
    model.save(tmp_path / "x", force=True)
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "contract.json",
        "history.json",
        "labels.txt",
        "model.tflite",
    ]


def test_a_folder_that_lists_its_files_is_replaced(tmp_path):
    files = {"src/main/model.tflite": b"x", "README.md": b"y"}
    write_folder(tmp_path / "x", {**files, "history.json": history_json(HISTORY, files).encode()})
    write_folder(tmp_path / "x", {"other": b"z"}, force=True)
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["other"]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', "[" * 100_000])
def test_a_folder_with_a_damaged_history_is_replaced_if_it_has_an_artifacts_files_alone(tmp_path, text):
    model = Model(tiny_model(), "tflite", tiny_contract(), HISTORY)
    model.save(tmp_path / "x")
    (tmp_path / "x" / "history.json").write_text(text)
    model.save(tmp_path / "x", force=True)
    assert read_artifact(tmp_path / "x")
    (tmp_path / "x" / "history.json").write_text(text)
    (tmp_path / "x" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="contains notes.txt, which"):
        model.save(tmp_path / "x", force=True)
