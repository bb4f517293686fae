"""`detlite results`: what is in the store of a study."""

import csv
import json

import pytest

from detlite.cli import main
from detlite.studies.store.entry import ResultRecord
from detlite.studies.store.store import make_store


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    store = make_store(tmp_path / "study")
    for number, device in enumerate(("host", "orin")):
        facts = {"device": device, "latency_p90_ms": 10.0 * (number + 1)}
        store.append(ResultRecord(f"{number}abc", "measure", "done", facts=facts, at_us=number))
    return store.root


def test_list_prints_the_results_that_meet_a_condition(study, capsys):
    assert main(["results", "list", str(study), "--where", "latency_p90_ms>15", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row == {"key": "1abc", "kind": "measure", "facts": {"device": "orin", "latency_p90_ms": 20.0}}


def test_a_stage_that_does_not_exist_is_refused(study, capsys):
    assert main(["results", "list", str(study), "--kind", "measurment"]) == 2
    assert "'measurment' is not one of 'fetch', 'convert', 'quantize', 'export'" in capsys.readouterr().err


def test_list_prints_a_table(study, capsys):
    assert main(["results", "list", str(study)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "key   kind     device  latency_p90_ms",
        "0abc  measure  host    10",
    ]


def test_show_and_diff_take_the_beginning_of_a_key(study, capsys):
    assert main(["results", "show", str(study), "0a", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"]["device"] == "host"
    assert main(["results", "diff", str(study), "0a", "1a", "--json"]) == 0
    differences = json.loads(capsys.readouterr().out)["differences"]
    assert differences == [
        {"name": "device", "before": "host", "after": "orin"},
        {"name": "latency_p90_ms", "before": 10.0, "after": 20.0},
    ]


def test_a_key_that_no_record_has_is_told(study, capsys):
    assert main(["results", "show", str(study), "ff"]) == 2
    assert "'ff' is no key of" in capsys.readouterr().err


def test_csv_has_a_column_for_each_fact(study, tmp_path):
    out = tmp_path / "r.csv"
    assert main(["results", "list", str(study), "--export", str(out)]) == 0
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert rows[1] == {"key": "1abc", "kind": "measure", "device": "orin", "latency_p90_ms": "20.0"}


def test_parquet_keeps_numbers(study, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "r.parquet"
    assert main(["results", "list", str(study), "--export", str(out)]) == 0
    assert parquet.read_table(out).to_pylist()[0]["latency_p90_ms"] == 10.0


def test_another_suffix_is_refused(study, tmp_path, capsys):
    assert main(["results", "list", str(study), "--export", str(tmp_path / "r.xlsx")]) == 2
    assert "want a name that ends in .csv or .parquet" in capsys.readouterr().err


def test_verify_fails_over_a_damaged_record(study, capsys):
    assert main(["results", "verify", str(study)]) == 0
    (segment,) = (study / "records").iterdir()
    segment.write_bytes(segment.read_bytes().replace(b"host", b"hots"))
    assert main(["results", "verify", str(study), "--json"]) == 1
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["damage"] != []


def test_gc_deletes_nothing_in_a_dry_run(study, capsys):
    (study / "models" / "old").mkdir(parents=True)
    arguments = ["results", "gc", str(study), "--min-age-hours", "0", "--json"]
    assert main([*arguments, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out) | {"schema": "", "schema_version": 1} == {
        "schema": "",
        "schema_version": 1,
        "deleted": False,
        "paths": ["models/old"],
        "size_bytes": 0,
    }
    assert (study / "models" / "old").is_dir()
    assert main(arguments) == 0
    assert not (study / "models" / "old").exists()


def test_a_folder_without_a_store_is_told(tmp_path, capsys):
    assert main(["results", "list", str(tmp_path)]) == 2
    assert "has no store.json: give the folder that `detlite sweep -o` wrote" in capsys.readouterr().err
