"""The official LoadGen beside our scenarios, on the same runner. It has no MultiStream of v1.0 any more.

An inference takes the same 25 ms each time, by waiting: what differs then is the two programs, and not the machine.
"""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from builders import loadgen_driver

from detlite.runtime.measure.loadgen_random import loaded_order, sample_order
from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, Preset
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.measure.run_folder import read_rows
from detlite.runtime.runners.backend import Settings

pytest.importorskip("mlperf_loadgen")  # the extra `test` has it where there is a wheel
pytestmark = pytest.mark.slow

DRIVER = Path(loadgen_driver.__file__)
QUERIES = {"single-stream": 120, "multi-stream": 120, "server": 120, "offline": 1}
PRESET = Preset(1, 16, QUERIES, 0.0, 132, warm_up_s=0.1)
INVOKE_MS = 25.0
BUSY = 0.25  # where other programs take turns with these, who waits is woken some milliseconds late


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.json"
    path.write_text(json.dumps({"clock": "machine", "invoke_ms": INVOKE_MS}))
    return path


@pytest.fixture
def driven(script, tmp_path):
    """What LoadGen says of a scenario."""

    def drive(scenario):
        command = [sys.executable, DRIVER, script, scenario, tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return drive


def ours(script, tmp_path, scenario):
    setup = Setup(script, None, "scripted", Settings(), scenario, "check", PRESET, per_second=20.0)
    return measure_model(setup, run=tmp_path / "run")


def logged_ms(logged, percent):
    return logged[f"result_{percent:.2f}_percentile_latency_ns"] / 1e6


@pytest.mark.parametrize(("percent", "within"), [(50, 0.05), (90, BUSY)])
def test_single_stream_agrees(driven, script, tmp_path, percent, within):
    record, logged = ours(script, tmp_path, "single-stream"), driven("SingleStream")["logged"]
    assert record.latency.percentile_ms(percent) == pytest.approx(logged_ms(logged, percent), rel=within)


def test_offline_agrees(driven, script, tmp_path):
    record, logged = ours(script, tmp_path, "offline"), driven("Offline")["logged"]
    assert record.figures["samples_per_second"] == pytest.approx(logged["result_samples_per_second"], rel=BUSY)


def test_server_sends_at_the_same_moments_and_queries_wait_as_long(driven, script, tmp_path):
    record, logged = ours(script, tmp_path, "server"), driven("Server")["logged"]
    assert record.figures["scheduled_per_second"] == pytest.approx(logged["result_scheduled_samples_per_sec"], rel=0.01)
    assert record.latency.p50_ms == pytest.approx(logged_ms(logged, 50), rel=BUSY)
    assert record.latency.p95_ms == pytest.approx(logged_ms(logged, 95), rel=BUSY)
    assert record.latency.p95_ms > 2 * INVOKE_MS  # queries did wait
    assert len(read_rows(tmp_path / "run/process-1/samples.tsv")) == logged["result_query_count"]


@pytest.mark.parametrize("scenario", ["SingleStream", "Server"])
def test_samples_come_in_the_same_order(driven, scenario):
    said = driven(scenario)
    loaded = loaded_order(QSL_SEED, 16)
    skipped = (math.ceil(120 / 16) + 1) * 8  # it shuffles once for each 120 queries and once more; v1.0 once
    assert said["loaded"] == loaded
    assert said["asked"] == [loaded[i] for i in sample_order(SAMPLE_SEED, 16, 120, skipped=skipped)]


def test_its_own_log_has_every_key_that_ours_has_of_results(driven, script, tmp_path):
    ours(script, tmp_path, "single-stream")
    lines = (tmp_path / "run/mlperf_log_detail.txt").read_text().splitlines()
    results = {entry["key"] for entry in (json.loads(line[9:]) for line in lines) if entry["key"].startswith("result_")}
    known = {*driven("SingleStream")["logged"], "result_perf_constraints_met", "result_invalid_reason"}  # if it has any
    assert results - known == set()
