"""The engine around dask."""

import importlib.util
import os
import socket
import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from builders.fake_stages import fake_stage

from detlite.runtime.errors import MissingToolError
from detlite.studies.store.store import make_store
from detlite.studies.sweep.cells import Cell
from detlite.studies.sweep.cluster import ClusterOptions
from detlite.studies.sweep.engine import SweepListener, _collect, _places, _run_and_tell, _Sweep, run_sweep
from detlite.studies.sweep.graph import SweepGraph
from detlite.studies.sweep.progress import SweepProgress
from detlite.studies.sweep.run_stage import run_stage


def test_without_dask_a_sweep_says_what_to_install(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "distributed" else find_spec(name))
    monkeypatch.setitem(sys.modules, "distributed", None)
    stage = fake_stage()
    graph = SweepGraph((Cell("a", "a", {}),), {stage.key: stage}, {"a": (stage.key,)})
    with pytest.raises(MissingToolError, match=r"this needs dask\.distributed: .*cluster"):
        run_sweep(graph, make_store(tmp_path / "study"), ClusterOptions(workers=1))


class FailedTask:
    """A task of dask that ended with an error."""

    def __init__(self, key, error):
        self.key = key
        self._error = error

    def result(self):
        raise self._error

    def release(self):
        pass


@pytest.fixture
def collect(tmp_path, monkeypatch):
    """Take an error that ends the one stage of a sweep, that often; returns what is said and what the store keeps."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(distributed, "as_completed", iter)

    def collected(error, times=1):
        stage, store, said = fake_stage(), make_store(tmp_path / "study"), []
        graph = SweepGraph((Cell("a", "a", {}),), {stage.key: stage}, {"a": (stage.key,)})
        progress = SweepProgress(graph, set())
        sweep = _Sweep(graph, store, SweepListener(say=said.append), run_stage, progress, Counter())
        for _time in range(times):
            _collect(sweep, {FailedTask("task", error): stage})
        return said, store.failures().get(stage.key)

    return collected


def test_a_bug_of_a_stage_is_told_in_a_line_and_kept_for_the_report(collect):
    said, kept = collect(ValueError("shapes (2,)\n  and (3,)"))
    assert said == ["failed: measure of a: a bug of detlite: ValueError: shapes (2,) and (3,)"]
    assert kept == "a bug of detlite: ValueError: shapes (2,) and (3,)"


def test_that_the_worker_of_a_stage_died_each_time_is_kept_for_the_report(collect):
    distributed = pytest.importorskip("distributed")
    died = distributed.scheduler.KilledWorker("task", None, 2)
    said, kept = collect(died, times=2)
    assert kept == "its worker died each time (out of memory, or someone killed it)"
    assert said == [f"failed: measure of a: {kept}"]


class TwoMachines:
    """A client of a cluster with two workers on this machine and one on another."""

    def run(self, _facts, _folder):
        here = socket.gethostname()
        return {
            "tcp://10.0.0.1:1111": {"host": here},
            "tcp://10.0.0.1:2222": {"host": here},
            "tcp://10.0.0.2:3333": {"host": f"not-{here}"},
        }


def test_a_measurement_here_may_run_on_any_worker_of_this_machine_one_that_is_started_later_too():
    pytest.importorskip("distributed")
    here = replace(fake_stage(), is_attached=True)
    elsewhere = fake_stage("evaluate")
    assert _places(TwoMachines(), [here, elsewhere]) == {here.key: ["10.0.0.1"]}


def test_the_work_of_a_stage_gets_the_malloc_that_it_has_without_dask(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    monkeypatch.setattr(distributed, "get_worker", lambda: SimpleNamespace(log_event=lambda *_event: None))
    record = {"key": "a"}
    assert _run_and_tell(lambda *_arguments: dict(os.environ), "study", record, None) == dict(os.environ)
    assert "MALLOC_TRIM_THRESHOLD_" not in os.environ
