"""Figures derived again from what a store kept."""

import json
from dataclasses import replace

import pytest
from builders.float_detector import detector, write_images
from builders.studies import write_labels

from detlite.devices.inventory import read_inventory
from detlite.runtime.records import to_record
from detlite.studies.store.entry import ResultRecord
from detlite.studies.store.store import make_store
from detlite.studies.sweep.cells import cells_of
from detlite.studies.sweep.graph import graph_of
from detlite.studies.sweep.plan_file import read_plan
from detlite.studies.sweep.run_stage import run_stage
from detlite.studies.sweep.verify import verify_figures

PLAN = """
[axes]
model = "float"
device = "none"
dataset = "val"
[datasets.val]
coco = ["images", "instances.json"]
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DETLITE_CACHE", str(tmp_path / "cache"))
    return make_store(tmp_path / "study")


def measurement(store, p50_ms):
    samples = {"samples_ns": [{"latency": [4_000_000] * 5, "invoke": [3_000_000] * 5}]}
    blob = store.put(json.dumps(samples).encode())
    facts = {"latency_p50_ms": p50_ms, "invoke_p50_ms": 3.0}
    return ResultRecord("ab" * 32, "measure", "done", facts=facts, blobs={"samples": blob})


def test_a_latency_that_its_samples_give_is_verified(store):
    store.append(measurement(store, 4.0))
    assert verify_figures(store).checked == 2
    assert verify_figures(store).wrong == ()


def test_a_latency_that_its_samples_do_not_give_is_told(store):
    store.append(measurement(store, 3.9))
    assert verify_figures(store).wrong == (
        "measure abababababab: latency_p50_ms is recorded as 3.9, and its data give 4.0",
    )


def test_an_accuracy_is_scored_again_from_the_kept_predictions(store, tmp_path):
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=6)
    write_labels(tmp_path / "instances.json", 6)
    detector().save(tmp_path / "float")
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = read_plan(tmp_path / "plan.toml")
    stages = graph_of(plan, cells_of(plan), read_inventory(None)).stages
    for stage in stages.values():
        assert run_stage(str(store.root), to_record(stage), None)["status"] == "done"
    found = verify_figures(store)
    assert (found.wrong, found.unchecked) == ((), ())
    assert found.checked == 8  # without the sizes that no object has
    scored = next(entry for entry in store.scan().entries if entry.status == "done" and entry.kind == "evaluate")
    store.append(replace(scored, facts={**scored.facts, "map": 99.0}))
    assert "map is recorded as 99.0, and its data give" in verify_figures(store).wrong[0]


def test_a_measurement_that_kept_no_samples_is_told_as_unchecked(store):
    store.append(replace(measurement(store, 4.0), blobs={"samples": store.put(b"{}")}))
    assert verify_figures(store).unchecked == ("measure abababababab: it kept no samples_ns",)


def test_a_result_whose_samples_are_gone_is_told_as_unchecked(store):
    store.append(replace(measurement(store, 4.0), blobs={"samples": "cd" * 32}))
    (text,) = verify_figures(store).unchecked
    assert "is missing: the next sweep makes it again" in text
