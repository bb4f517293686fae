"""Expected figures of a study: bounds, and every miss with its place."""

import pytest
from builders.studies import MadeCell, write_study

from detlite.runtime.errors import InputError, UnknownNameError
from detlite.studies.pareto.expectations import missed, read_expectations
from detlite.studies.pareto.rows import rows_of
from detlite.studies.sweep.saved_cells import saved_plans


@pytest.fixture
def misses(tmp_path, monkeypatch):
    """Return what a study misses of the expectations in a text."""
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    cells = [MadeCell("a", 30, 10), MadeCell("b", 20, 5, reasons=("drift",), energy_mj=2)]
    cells += [MadeCell("c", 20, 5, failure="no disk")]
    store = write_study(tmp_path / "study", cells)
    rows = rows_of(store, saved_plans(store.root))

    def found(text):
        path = tmp_path / "expected.toml"
        path.write_text(text)
        return [one.split("expected.toml")[1] for one in missed(read_expectations(path), rows)]

    return found


def test_a_figure_within_its_bounds_is_met(misses):
    assert misses('[[expect]]\nwhere = "model=a"\nmap = { min = 29, max = 31 }\nlatency_p90_ms = { max = 10 }') == []


def test_a_figure_out_of_its_bounds_is_told_with_its_line(misses):
    text = '[[expect]]\nwhere = "model=a"\nmap = { min = 31 }'
    assert misses(text) == [", line 3: a: map is 30; want at least 31"]


def test_an_invalid_latency_is_a_miss_and_so_is_a_failed_cell(misses):
    assert misses('[[expect]]\nwhere = "model=b"\nlatency_p90_ms = { max = 9 }') == [
        ", line 3: b: latency_p90_ms is 5, and the measurement is INVALID: drift"
    ]
    (text,) = misses('[[expect]]\nwhere = "model=c"\nmap = { min = 1 }')
    assert text == ", line 3: c: map is not there: measure: no disk"


def test_every_figure_of_an_invalid_measurement_is_a_miss_and_an_accuracy_is_none(misses):
    assert misses('[[expect]]\nwhere = "model=b"\nenergy_mj = { max = 9 }\nmap = { min = 9 }') == [
        ", line 3: b: energy_mj is 2, and the measurement is INVALID: drift"
    ]


def test_an_expectation_about_no_cell_is_a_miss(misses):
    assert misses('[[expect]]\nwhere = "model=z"\nmap = { min = 1 }') == [", line 3: no cell meets the condition"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expects nothing"),
        ("[[expekt]]\nmap = {min=1}", "line 1: no key of the expectations is called 'expekt'; did you mean 'expect'"),
        ("[[expect]]\nmap = 3", "line 2: map is 3; want bounds, such as { min = 20, max = 22 }"),
        ("[[expect]]\nmap = {mim = 3}", "line 2: no bound is called 'mim'; did you mean 'min'"),
        ("[[expect]]\nmap = {min = 3, max = 2}", "line 2: map: min 3 is over max 2"),
        ('[[expect]]\nwhere = "a"\nmap = {min = 3}', "line 2: cannot read 'a' in the condition"),
        ('[[expect]]\nwhere = "a=b"', "line 1: no figure is expected"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(misses, text, told):
    with pytest.raises(InputError) as caught:
        misses(text)
    assert told in str(caught.value)


def test_an_unknown_fact_names_the_nearest(misses):
    with pytest.raises(UnknownNameError, match="did you mean 'model'"):
        misses('[[expect]]\nwhere = "modl=a"\nmap = { min = 1 }')
