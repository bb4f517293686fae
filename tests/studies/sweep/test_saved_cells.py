"""The plans of a study: one file each, whatever their names are."""

import pytest
from builders.studies import MadeCell, write_study

from detlite.runtime.errors import InputError
from detlite.studies.sweep.cells import cells_of
from detlite.studies.sweep.graph import SweepGraph
from detlite.studies.sweep.plan_file import read_plan
from detlite.studies.sweep.saved_cells import save_cells, saved_plans


@pytest.fixture
def save(tmp_path):
    """Save a plan of that name with that many cells, which have no stages."""

    def saved(name, count=1):
        path = tmp_path / "plan.toml"
        path.write_text(f'name = "{name}"\n[axes]\nmodel = "a"\nthreads = {list(range(1, count + 1))}')
        plan = read_plan(path)
        cells = cells_of(plan)
        return save_cells(tmp_path, plan, SweepGraph(cells, {}, {cell.key: () for cell in cells}))

    return saved


@pytest.mark.parametrize("other", ["a b", "a/b", ".a_b", "a" * 101])
def test_plans_of_two_names_have_two_files(save, tmp_path, other):
    assert save("a_b") != save(other)
    assert sorted(plan.name for plan in saved_plans(tmp_path)) == sorted(["a_b", other])


def test_a_plan_takes_the_place_of_its_earlier_version(save, tmp_path):
    assert save("a b", 1) == save("a b", 3)
    (plan,) = saved_plans(tmp_path)
    assert len(plan.cells) == 3


def test_a_scored_cell_without_its_dataset_is_damage(tmp_path):
    write_study(tmp_path / "study", [MadeCell("a", 22.0, 10.0)])
    path = tmp_path / "study" / "cells" / "plan.json"
    path.write_text(path.read_text().replace('"dataset"', '"data"'))
    with pytest.raises(InputError, match=r"plan.json is damaged: .*the cell 'a' is scored, and has no dataset"):
        saved_plans(tmp_path / "study")
