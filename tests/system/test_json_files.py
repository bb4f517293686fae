"""Records on the disk, and what a board's program writes, are as their published schemas say."""

import json
import os
import subprocess
import sys

import pytest
from builders.json_schemas import check_record

SHORT = ("--processes", "1", "--queries", "40", "--min-seconds", "0")


def test_the_files_of_an_artifact_are_as_their_schemas_say(made):
    files = sorted(made.glob("*/*.json"))
    assert {path.name for path in files} == {"contract.json", "history.json", "ranges.json"}
    for path in files:
        check_record(json.loads(path.read_text()))


def test_the_record_of_a_run_is_as_its_schema_says(detlite, made):
    assert detlite("measure", made / "int8", "--scenario", "single-stream", *SHORT, "-o", "run").status == 0
    check_record(json.loads((detlite.folder / "run/measurement.json").read_text()))


@pytest.fixture(scope="module")
def board(made, detlite_in):
    run = detlite_in(made)
    ran = run("package", "--runtime", "int8", "--images", "photos", "-o", "board.pyz", "--json")
    assert ran.status == 0
    return made / "board.pyz"


@pytest.mark.parametrize("words", [("selftest",), ("detect",), ("measure", *SHORT)], ids=lambda words: words[0])
def test_what_a_board_writes_is_as_its_schema_says(board, tmp_path, words):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-I", str(board), *words, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=environment)
    check_record(json.loads(done.stdout))
