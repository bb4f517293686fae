"""`detlite report STUDY`: one page, and the cells to take."""

import json
import re

import pytest
from builders.studies import MadeCell, write_study

from detlite.cli import main

CELLS = (
    MadeCell("one <b>int8</b>", 30, 20),
    MadeCell("two", 25, 10, device="orin", energy_mj=3.5),
    MadeCell("three", 20, 5, device="orin", energy_mj=1.5, size_bytes=3_000_000),
    MadeCell("four", 35, 4, device="sim", simulated=True),
    MadeCell("five", 30, 9, reasons=("the median drifted",)),
    MadeCell("six", 30, 9, failure="the disk is full"),
)


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    write_study(tmp_path / "study", CELLS)
    return tmp_path / "study"


def test_the_page_is_one_file_without_a_network(study, tmp_path):
    page = tmp_path / "study.html"
    assert main(["report", str(study), "-o", str(page)]) == 0
    text = page.read_text()
    assert not re.search(r"https?://(?!www\.w3\.org)|<link|src=", text)
    assert "one &lt;b&gt;int8&lt;/b&gt;" in text
    assert "the median drifted" in text
    assert "measure: the disk is full" in text
    assert "The device is simulated: its figures recommend nothing." in text
    assert (
        text.count('<svg class="plot') == 5
    )  # latency and size, and energy where it is known, of the two devices with two cells


def test_a_damaged_file_of_cells_is_named(study, capsys):
    (path,) = (study / "cells").iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": 3}))
    assert main(["report", str(study), "--best", "map>0"]) == 2
    assert f"{path} is damaged: name holds '3', want a text; run its sweep again" in capsys.readouterr().err


def test_the_same_study_gives_the_same_page(study, tmp_path):
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for page in pages:
        assert main(["report", str(study), "-o", str(page)]) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_best_prints_the_cell_to_take(study, capsys):
    assert main(["report", str(study), "--best", "device=orin and latency_p90_ms<8", "--json"]) == 0
    (advice,) = json.loads(capsys.readouterr().out)["advice"]
    assert (advice["device"], advice["label"], advice["facts"]["energy_mj"]) == ("orin", "three", 1.5)


def test_best_that_nothing_meets_is_exit_status_1(study, capsys):
    assert main(["report", str(study), "--best", "map>99"]) == 1
    assert "no cell of" in capsys.readouterr().err


def test_best_with_an_unknown_fact_names_the_nearest(study, capsys):
    assert main(["report", str(study), "--best", "latency_p9_ms<3"]) == 2
    assert "did you mean 'latency_p90_ms'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "is a study: give -o study.html for its page, or --best CONDITION"),
        (["-o", "folder"], "give -o a name that ends in .html"),
    ],
)
def test_a_study_needs_a_page_or_a_condition(study, arguments, told, capsys):
    assert main(["report", str(study), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_page_that_exists_is_not_replaced_without_force(study, tmp_path, capsys):
    page = tmp_path / "study.html"
    page.touch()
    assert main(["report", str(study), "-o", str(page)]) == 2
    assert "exists already; choose another file, or pass --force" in capsys.readouterr().err
    assert main(["report", str(study), "-o", str(page), "--force"]) == 0
