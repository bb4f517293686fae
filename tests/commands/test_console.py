"""What commands print of names and labels that hold control characters."""

import contextlib
import io
import json
import re

import numpy as np
import pytest
from builders.tiny_tflite import save_tiny

from detlite.cli import main
from detlite.commands.console import emit_table, progress
from detlite.runtime.printable import CONTROLS
from detlite.runtime.progress import begin


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


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


def test_the_steps_of_a_command_are_announced_once_each_with_their_number(capsys):
    with progress(("read", "write")) as report:
        for step in ("read", "a part of it", "read", "write"):
            begin(report, step)
    assert capsys.readouterr().err.splitlines() == ["step 1 of 2: read", "step 2 of 2: write"]


def test_steps_are_announced_above_the_bars_of_a_terminal_and_every_bar_ends(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stderr(Terminal()) as terminal, progress(("read", "write")) as report:
        begin(report, "read")
        report("[red]\x1b[2Jfiles", 3, 0)
        begin(report, "write")
        report("bytes", 7, 7)
    said = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", terminal.getvalue())
    assert said.index("step 1 of 2: read") < said.index("step 2 of 2: write")
    assert "[red]\\u001b[2Jfiles" in said
    last = {line.split("━")[0].strip(): line for line in said.splitlines() if "━" in line}
    assert ["3/3" in last["[red]\\u001b[2Jfiles"], "7/7" in last["bytes"]] == [True, True]


def drawn(monkeypatch, columns, rows):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.redirect_stdout(Terminal()) as terminal:
        emit_table(columns, rows)
    return terminal.getvalue()


def test_a_table_is_drawn_on_a_terminal_with_its_numbers_to_the_right(monkeypatch):
    lines = drawn(monkeypatch, ("name", "mAP"), [("a", "9.50"), ("[red]b", "22.05")]).splitlines()
    assert any("\u2500" in line for line in lines)
    assert [line.strip() for line in lines if "." in line] == ["a         9.50", "[red]b   22.05"]


def test_a_table_is_plain_in_a_pipe(capsys):
    emit_table(("name", "mAP"), [("a", "9.50"), ("[red]b", "22.05")])
    assert capsys.readouterr().out == "name    mAP\na       9.50\n[red]b  22.05\n"


def test_the_escapes_of_a_cell_are_shown_on_a_terminal_too(monkeypatch):
    assert "\\u001b[2J" in drawn(monkeypatch, ("name",), [("class\x1b[2J",)])
