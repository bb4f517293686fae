"""How far a sweep is, counted as its stages end."""

import pytest
from builders.fake_stages import fake_stage

from detlite.studies.sweep.cells import Cell
from detlite.studies.sweep.graph import SweepGraph
from detlite.studies.sweep.progress import SweepProgress
from detlite.studies.sweep.run_stage import StageOutcome

CONVERT = fake_stage("convert")
MEASURES = [fake_stage("measure", name, needs=CONVERT.key) for name in "ab"]


@pytest.fixture
def graph():
    """Two cells that share a conversion and have a measurement each."""
    stages = {one.key: one for one in (CONVERT, *MEASURES)}
    cells = (Cell("1", "one", {}), Cell("2", "two", {}))
    of_cell = {cell.key: (CONVERT.key, one.key) for cell, one in zip(cells, MEASURES, strict=True)}
    return SweepGraph(cells, stages, of_cell)


def counts(progress):
    state = progress.state()
    return (state.cells, state.done, state.failed, state.running, state.stages_left)


def test_a_cell_is_done_with_its_last_stage(graph):
    progress = SweepProgress(graph, set())
    assert counts(progress) == (2, 0, 0, 0, 3)
    for stage in (CONVERT, MEASURES[0]):
        progress.take(StageOutcome(stage.key, "done"))
    assert counts(progress) == (2, 1, 0, 0, 1)


def test_stages_that_began_are_running_until_they_end(graph):
    progress = SweepProgress(graph, set())
    for key in (CONVERT.key, MEASURES[1].key, "another sweep's"):
        progress.begin(key)
    assert counts(progress) == (2, 0, 0, 2, 3)
    progress.take(StageOutcome(CONVERT.key, "done"))
    assert counts(progress) == (2, 0, 0, 1, 2)


def test_a_cell_fails_with_its_stage_and_stays_failed_when_the_sweep_resumes(graph):
    progress = SweepProgress(graph, set())
    progress.take(StageOutcome(MEASURES[0].key, "failed", "the disk is full"))
    assert counts(progress) == (2, 0, 1, 0, 2)
    progress.resume({CONVERT.key, MEASURES[1].key})
    assert counts(progress) == (2, 1, 1, 0, 0)
    assert list(progress.failures) == [MEASURES[0].key]
