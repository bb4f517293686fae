"""What a run remembers, and what it does again."""

import json
import re

import pytest

from detlite.runtime.errors import InputError
from detlite.studies.run.ledger import NAME, open_ledger


class Work:
    """Writes `made.txt` and counts how often it is asked to."""

    def __init__(self, folder, text="x"):
        self.folder, self.text, self.times = folder, text, 0

    def __call__(self):
        self.times += 1
        (self.folder / "made.txt").write_text(self.text)
        return {"value": self.times}


def test_a_stage_is_done_once(tmp_path):
    work = Work(tmp_path / "run")
    for _ in range(2):
        ledger = open_ledger(tmp_path / "run")
        assert ledger.stage("s", {"a": 1}, ["made.txt"], work) == {"value": 1}
    assert (work.times, ledger.reused) == (1, ["s"])


def test_the_date_is_that_of_the_newest_stage_and_stays_when_nothing_is_done_again(tmp_path):
    path = tmp_path / "run" / NAME
    work = Work(tmp_path / "run")
    open_ledger(tmp_path / "run").stage("s", {"a": 1}, ["made.txt"], work)
    record = json.loads(path.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", record["stages"]["s"]["finished"])
    record["stages"] = {
        name: {**record["stages"]["s"], "finished": f"2026-11-{name} 10:00 UTC"} for name in ("29", "30")
    }
    record["stages"]["s"] = {key: value for key, value in record["stages"]["29"].items() if key != "finished"}
    path.write_text(json.dumps(record))
    ledger = open_ledger(tmp_path / "run")
    ledger.stage("s", {"a": 1}, ["made.txt"], work)
    assert (work.times, ledger.date) == (1, "2026-11-30 10:00 UTC")


def test_a_stage_that_is_forgotten_is_done_again(tmp_path):
    work = Work(tmp_path / "run")
    ledger = open_ledger(tmp_path / "run")
    ledger.stage("s", {"a": 1}, ["made.txt"], work)
    ledger.forget("s")
    assert open_ledger(tmp_path / "run").stage("s", {"a": 1}, ["made.txt"], work) == {"value": 2}


def test_a_stage_with_another_input_is_done_again(tmp_path):
    work = Work(tmp_path / "run")
    open_ledger(tmp_path / "run").stage("s", {"a": 1}, ["made.txt"], work)
    assert open_ledger(tmp_path / "run").stage("s", {"a": 2}, ["made.txt"], work) == {"value": 2}


@pytest.mark.parametrize("change", ["remove", "edit"])
def test_a_stage_whose_file_is_gone_or_another_is_done_again(tmp_path, change):
    work = Work(tmp_path / "run")
    open_ledger(tmp_path / "run").stage("s", {}, ["made.txt"], work)
    made = tmp_path / "run" / "made.txt"
    made.unlink() if change == "remove" else made.write_text("other")
    open_ledger(tmp_path / "run").stage("s", {}, ["made.txt"], work)
    assert (work.times, made.read_text()) == (2, "x")


def test_a_stage_that_fails_is_not_remembered(tmp_path):
    def fail():
        raise InputError("no")

    ledger = open_ledger(tmp_path / "run")
    with pytest.raises(InputError):
        ledger.stage("s", {}, [], fail)
    assert open_ledger(tmp_path / "run").stages == {}


def test_a_folder_that_no_run_wrote_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match=r"exists without run.json: choose a new folder"):
        open_ledger(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "x"}', '{"schema": 1, "schema_version": 2, "stages": 3}'])
def test_a_damaged_ledger_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run.json is damaged"):
        open_ledger(tmp_path)


def test_a_ledger_of_a_later_version_is_refused(tmp_path):
    record = {"schema": "detlite.run", "schema_version": 2, "stages": {}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"is detlite.run version 2; this detlite reads detlite.run 1"):
        open_ledger(tmp_path)


@pytest.mark.parametrize("stage", [3, {}, {"key": "a", "files": {"b": 3}, "answer": {}}, {"key": "a", "files": {}}])
def test_a_stage_that_lacks_a_part_is_refused(tmp_path, stage):
    made = open_ledger(tmp_path / "run")
    made.stage("convert", {}, (), dict)
    (path,) = (tmp_path / "run").iterdir()
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "stages": {"convert": stage}}))
    with pytest.raises(InputError, match="is damaged: its stage 'convert' is incomplete; remove .* to start over"):
        open_ledger(tmp_path / "run")
