"""Whole measurements of a scripted back end: what is kept, and what is said."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.scripted_runs import SMALL, photos, scripted, tiny

from detlite.runtime.errors import InputError
from detlite.runtime.measure.loadgen_log import accuracy_entry, write_accuracy
from detlite.runtime.measure.presets import preset_called
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.run_folder import read_rows
from detlite.runtime.runners.backend import Settings


def test_every_sample_is_kept_and_the_percentiles_are_theirs(tmp_path):
    record = measure_model(scripted(tmp_path, first_ms=30), run=tmp_path / "run")
    rows = [read_rows(tmp_path / f"run/process-{number}/samples.tsv") for number in (1, 2)]
    assert [tuple(row.latency_ns.tolist()) for row in rows] == [one.latency for one in record.samples_ns]
    assert (record.validity, record.samples, record.queries) == ("VALID", 80, 80)
    assert (record.latency.p50_ms, record.latency.p90_ms) == (2.0, 3.0)
    assert record.latency.p99_ms is None  # 80 samples do not tell
    assert [one.first_ms for one in record.processes] == [30.0, 30.0]


def test_a_run_is_the_record_that_it_returns(tmp_path):
    record = measure_model(scripted(tmp_path), run=tmp_path / "run").to_record()
    assert json.loads((tmp_path / "run/measurement.json").read_text()) == record
    assert (record["schema"], record["schema_version"]) == ("detlite.measurement", 3)


def test_warming_up_is_apart(tmp_path):
    record = measure_model(scripted(tmp_path, invoke_ms=[20] * 10 + [2] * 200))
    assert [one.warm_up_cut for one in record.processes] == [0, 0]
    assert record.processes[0].warm_up_samples >= 20
    assert record.latency.p90_ms == 2.0


@pytest.mark.parametrize(
    ("scenario", "metric", "value"),
    [("multi-stream", "streams", 4), ("offline", "samples_per_second", 454.5), ("server", "scheduled_per_second", 53)],
)
def test_each_scenario_has_its_metric(tmp_path, scenario, metric, value):
    record = measure_model(scripted(tmp_path, scenario=scenario))
    assert record.validity == "VALID"
    assert (record.metric.name, record.metric.value) == (metric, pytest.approx(value, rel=0.05))


def test_ten_minutes_of_mlperf_pass_by_a_scripted_clock(tmp_path):
    preset = preset_called("mlperf-v1.0-ssd-mobilenet")
    record = measure_model(scripted(tmp_path, preset=preset, invoke_ms=[200, 210]))
    assert record.validity == "VALID"
    assert record.duration_s >= 600
    assert record.queries == 2927


def test_a_run_that_is_too_short_is_invalid(tmp_path):
    record = measure_model(scripted(tmp_path, invoke_ms=[60_000.0]))  # ended after ten minutes
    assert list(record.reasons) == [
        "count: 22 queries, but 80 are required",
        "too few samples for p90: 22, but 29 are needed",
    ]


@pytest.mark.parametrize(
    ("delegate", "settings"),
    [
        ({"name": "XNNPACK", "taken": 0, "operators": 90}, Settings(xnnpack=True)),
        (None, Settings(xnnpack=True)),
        ({"name": "gpu.so", "taken": 0, "operators": 90}, Settings(delegates=("gpu.so",))),
    ],
)
def test_a_delegate_that_silently_fell_back_makes_the_run_invalid(tmp_path, delegate, settings):
    record = measure_model(scripted(tmp_path, settings=settings, delegate=delegate))
    assert "took none of the model's operators; the CPU ran them" in record.reasons[0]


def test_a_delegate_that_took_a_part_is_a_caution(tmp_path):
    delegate = {"name": "gpu.so", "taken": 60, "operators": 90}
    record = measure_model(scripted(tmp_path, settings=Settings(delegates=("gpu.so",)), delegate=delegate))
    assert record.validity == "VALID"
    assert "gpu.so took 60 of 90 operators in 1 part" in record.cautions


def test_a_device_that_slows_down_is_told(tmp_path):
    record = measure_model(scripted(tmp_path, invoke_ms=[2] * 40 + [3] * 40))
    assert record.reasons[0].startswith("throttling, or another program: process 1 became 1.50 times as slow")


def test_a_finished_run_is_not_written_over(tmp_path):
    measure_model(scripted(tmp_path), run=tmp_path / "run")
    with pytest.raises(InputError, match="already contains a run: choose another folder, or pass --force"):
        measure_model(scripted(tmp_path), run=tmp_path / "run")
    assert measure_model(scripted(tmp_path), run=tmp_path / "run", force=True).validity == "VALID"


@pytest.mark.parametrize("name", ["notes.txt", "process-1/notes.txt", "mlperf_log_mine.txt", "photos/a.jpg"])
def test_a_run_with_a_file_of_the_user_is_not_replaced(tmp_path, name):
    measure_model(scripted(tmp_path), run=tmp_path / "run")
    path = tmp_path / "run" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(InputError, match=f"contains {name}, which is no file of a run: it is not replaced"):
        measure_model(scripted(tmp_path), run=tmp_path / "run", force=True)
    assert path.read_text() == "mine"
    assert (tmp_path / "run" / "measurement.json").is_file()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/photo.jpg").write_text("mine")
    with pytest.raises(InputError, match="contains files that are not a run"):
        measure_model(scripted(tmp_path), run=tmp_path / "run", force=True)
    assert (tmp_path / "run/photo.jpg").read_text() == "mine"


def test_a_real_model_runs_with_its_images_stage_by_stage(tmp_path):
    image = tmp_path / "photo.npy"
    np.save(image, np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))
    record = measure_model(replace(tiny(tmp_path), images=(image,)))
    stages = record.stages_p50_ms
    assert all(getattr(stages, name) > 0 for name in ("decode", "preprocess", "input", "invoke", "postprocess"))
    assert record.runtime.startswith("ai-edge-litert 2.")
    assert [(one.name, one.height, one.width) for one in record.images] == [("photo.npy", 30, 40)]
    assert record.memory_peak_bytes > 10_000_000


def test_offline_end_to_end_counts_reading_the_images(tmp_path):
    setup = replace(tiny(tmp_path), scenario="offline", images=photos(tmp_path, 3))
    plain, whole = measure_model(setup), measure_model(replace(setup, end_to_end=True))
    assert whole.samples == plain.samples == 40
    assert whole.stages_p50_ms.input > plain.stages_p50_ms.input
    assert whole.protocol.end_to_end is True


def test_an_accuracy_run_detects_in_every_image_once(tmp_path):
    from detlite.runtime.artifact import Artifact
    from detlite.runtime.image.read import read_image
    from detlite.runtime.session import Session

    setup = replace(tiny(tmp_path), images=photos(tmp_path, 3), accuracy=True)
    assert measure_model(setup, run=tmp_path / "run").failure is None
    entries = json.loads((tmp_path / "run/mlperf_log_accuracy.json").read_text())
    assert [entry["qsl_idx"] for entry in entries] == [0, 1, 2]
    rows = np.frombuffer(bytes.fromhex(entries[2]["data"]), "<f4").reshape(-1, 7)
    want = Session(Artifact(setup.model, setup.contract)).run(read_image(setup.images[2]))
    np.testing.assert_array_equal(rows[:, 1:5], want.boxes)
    np.testing.assert_array_equal(rows[:, 6], want.classes + 1)
    assert set(rows[:, 0]) <= {2}


@pytest.mark.parametrize("changes", [{"end_to_end": True}, {"accuracy": True}])
def test_what_wants_images_says_so(tmp_path, changes):
    with pytest.raises(InputError, match="(needs|and) --images"):
        replace(tiny(tmp_path), **changes)


def test_noise_is_said_to_be_noise(tmp_path):
    cautions = measure_model(tiny(tmp_path, xnnpack=False)).cautions
    assert any(text.startswith("the input is noise, not images") for text in cautions)


def test_a_null_back_end_measures_what_measuring_costs(tmp_path):
    record = measure_model(tiny(tmp_path, "null"))
    assert record.invoke.p50_ms < 0.1
    assert "the back end is null: no model was run" in record.cautions


def test_times_of_trtexec_are_a_run_too(tmp_path):
    rows = [{"h2dMs": 0.25, "computeMs": 1 + i / 1000, "d2hMs": 0.25, "latencyMs": 1.5 + i / 1000} for i in range(100)]
    times = tmp_path / "times.json"
    times.write_text(json.dumps(rows))
    preset = replace(SMALL, processes=1)
    setup = Setup(times, None, "tensorrt", Settings(), "single-stream", "small", preset)
    record = measure_model(setup)
    assert (record.latency.p90_ms, record.invoke.p50_ms) == (1.589, 1.049)
    assert record.runtime == "TensorRT, by trtexec"


def detail_of(run):
    lines = (run / "mlperf_log_detail.txt").read_text().splitlines()
    assert all(line.startswith(":::MLLOG {") for line in lines)
    return {entry["key"]: entry["value"] for entry in (json.loads(line[9:]) for line in lines)}


def test_the_logs_say_in_loadgens_words_what_the_record_says(tmp_path):
    record = measure_model(scripted(tmp_path, scenario="server"), run=tmp_path / "run")
    detail = detail_of(tmp_path / "run")
    assert detail["result_validity"] == "VALID"
    assert detail["effective_scenario"] == "Server"
    assert detail["result_99.00_percentile_latency_ns"] == round(record.latency.p99_ms * 1e6)
    assert detail["effective_sample_index_rng_seed"] == 1570999273408051088
    summary = (tmp_path / "run/mlperf_log_summary.txt").read_text()
    assert "Scenario : Server\n" in summary
    assert "\nResult is : VALID\n" in summary
    assert f"\nScheduled samples per second : {record.figures['scheduled_per_second']:.2f}\n" in summary
    assert json.loads((tmp_path / "run/mlperf_log_accuracy.json").read_text()) == []


def test_an_accuracy_log_holds_rows_of_float32_in_hex(tmp_path):
    from detlite.runtime.tasks.detection import Detections

    boxes = np.array([[0.125, 0.25, 0.5, 0.75]], np.float32)
    found = Detections(boxes, np.array([2]), np.array([0.5], np.float32))
    data = found.loadgen_data(7)
    assert data is not None
    write_accuracy(tmp_path / "a.json", [accuracy_entry(0, 7, data)])
    (entry,) = json.loads((tmp_path / "a.json").read_text())
    assert (entry["qsl_idx"], entry["seq_id"]) == (7, 0)
    assert np.frombuffer(bytes.fromhex(entry["data"]), "<f4").tolist() == [7, 0.125, 0.25, 0.5, 0.75, 0.5, 3]
