"""The engine around dask."""

import importlib.util
import sys

import pytest
from builders.fake_stages import fake_stage

from detlite.runtime.errors import MissingToolError
from detlite.studies.store.store import make_store
from detlite.studies.sweep.cells import Cell
from detlite.studies.sweep.cluster import ClusterOptions
from detlite.studies.sweep.engine import run_sweep
from detlite.studies.sweep.graph import SweepGraph


def test_without_dask_a_sweep_says_what_to_install(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "distributed" else find_spec(name))
    monkeypatch.setitem(sys.modules, "distributed", None)
    stage = fake_stage()
    graph = SweepGraph((Cell("a", "a", {}),), {stage.key: stage}, {"a": (stage.key,)})
    with pytest.raises(MissingToolError, match=r"this needs dask\.distributed: .*cluster"):
        run_sweep(graph, make_store(tmp_path / "study"), ClusterOptions(workers=1))
