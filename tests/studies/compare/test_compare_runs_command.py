"""`detlite compare RUN RUN`: what it prints, and its exit status."""

import json

import pytest
from builders.run_records import accuracy, latency, write

from detlite.cli import main


@pytest.fixture
def pair(tmp_path):
    """Two accuracies: the second is half a point worse."""
    return write(tmp_path / "before.json", accuracy(30.0)), write(tmp_path / "after.json", accuracy(29.5))


def run(capsys, *arguments):
    status = main(["compare", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_finding_is_exit_status_1_and_one_line(pair, capsys):
    status, out, err = run(capsys, *pair, "--fail-on", "map=-0.3")
    assert status == 1
    assert "1 finding" in out.splitlines()[-1]
    assert len(err.splitlines()) == 1
    assert "map fell by 0.5 (from 30 % to 29.5 %, noise not known), allowed is -0.3" in err


def test_no_finding_is_exit_status_0(pair, capsys):
    status, out, err = run(capsys, *pair, "--fail-on", "map=-1")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1].endswith("before.json: no finding")


def test_json_has_every_figure_and_the_findings(pair, capsys):
    status, out, _err = run(capsys, *pair, "--fail-on", "map=-0.3", "--json")
    record = json.loads(out)
    assert (status, record["schema"], record["kind"]) == (1, "detlite.run_comparison", "accuracy")
    figures = {row["figure"]: row for row in record["figures"]}
    assert (figures["map"]["difference"], figures["map"]["is_finding"]) == (-0.5, True)
    assert len(record["findings"]) == 1


def test_markdown_is_a_table(pair, capsys):
    status, out, _err = run(capsys, *pair, "--fail-on", "map=-0.3", "--markdown")
    assert status == 1
    assert "| figure | first | second | change | 95 % interval | verdict |" in out


def test_runs_that_differ_are_exit_status_2_and_told_when_allowed(tmp_path, capsys):
    runs = write(tmp_path / "a.json", latency()), write(tmp_path / "b.json", latency(threads=4))
    status, out, err = run(capsys, *runs)
    assert (status, out) == (2, "")
    assert "threads: 1 and 4" in err
    status, _out, err = run(capsys, *runs, "--allow-different", "threads")
    assert (status, err) == (0, "not comparable: threads: 1 and 4\n")


def test_the_folder_of_a_run_stands_for_its_record(tmp_path, capsys):
    for name in "ab":
        (tmp_path / name).mkdir()
        write(tmp_path / name / "measurement.json", latency())
    assert run(capsys, tmp_path / "a", tmp_path / "b")[0] == 0


def test_a_run_is_not_compared_with_a_model(tmp_path, capsys):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"\x1c\0\0\0TFL3")
    status, _out, err = run(capsys, write(tmp_path / "a.json", latency()), model)
    assert status == 2
    assert "is the record of a run" in err


@pytest.mark.parametrize("option", [("--tolerance", "1"), ("--images", "x"), ("--multiple-subgraphs",)])
def test_options_for_models_are_refused_for_runs(pair, capsys, option):
    status, _out, err = run(capsys, *pair, *option)
    assert status == 2
    assert f"{option[0]} works only with models" in err


@pytest.mark.parametrize("option", [("--fail-on", "map=-1"), ("--allow-different", "all"), ("--markdown",)])
def test_options_for_runs_are_refused_for_models(tmp_path, capsys, option):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"\x1c\0\0\0TFL3")
    status, _out, err = run(capsys, model, model, *option)
    assert status == 2
    assert f"{option[0]} works only with records of runs" in err


def test_what_is_not_there_is_named(tmp_path, capsys):
    status, _out, err = run(capsys, tmp_path / "a.json", tmp_path / "b.json")
    assert status == 2
    assert "a.json" in err
    assert len(err.splitlines()) == 1


def test_a_run_that_is_not_there_is_named_beside_one_that_is(pair, tmp_path, capsys):
    status, _out, err = run(capsys, pair[0], tmp_path / "nothing")
    assert (status, err.endswith("nothing does not exist: give a run or a model\n")) == (2, True)
