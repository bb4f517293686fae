"""`detlite devices read`, as users call it."""

import json

import pytest
from builders.device_texts import TEXTS, TRTEXEC

from detlite.cli import main
from detlite.devices.recording import format_names


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "it.log"
    path.write_text(TRTEXEC)
    return path


def test_a_log_is_read_as_facts(log, capsys):
    assert main(["devices", "read", str(log)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if ".version" in line] == [["trtexec_log.0.version", "10.3.0"]]


def test_a_log_is_read_as_json(log, capsys):
    assert main(["devices", "read", str(log), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == "detlite.recording"
    assert record["formats"]["trtexec_log"][0]["spreads"]["Latency"]["median_ms"] == 2.375


def test_a_log_that_is_cut_is_shown_and_is_status_1(log, capsys):
    log.write_text(TRTEXEC[:600])
    assert main(["devices", "read", str(log)]) == 1
    said = capsys.readouterr()
    assert "trtexec_log.0.gpu" in said.out
    assert "truncated" in said.err


@pytest.mark.parametrize("kind", sorted(TEXTS))
def test_every_format_can_be_written_as_json(kind, tmp_path, capsys):
    (tmp_path / "it").write_text(TEXTS[kind])
    assert main(["devices", "read", str(tmp_path / "it"), "--format", kind, "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["formats"]) == [kind]


def test_without_a_file_the_formats_are_listed(capsys):
    assert main(["devices", "read"]) == 0
    assert tuple(line.split()[0] for line in capsys.readouterr().out.splitlines()) == format_names()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.log"], "none.log cannot be read: No such file or directory"),
        (["."], "cannot be read: Is a directory"),
        (["{log}", "--format", "trtexec"], "did you mean 'trtexec_log'"),
        (["{log}", "--format", "lsusb"], "found nothing of lsusb"),
    ],
)
def test_what_cannot_be_read_is_one_line(log, capsys, words, said):
    assert main(["devices", "read", *(word.format(log=log) for word in words)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
