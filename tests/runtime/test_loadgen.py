"""The official LoadGen beside our scenarios, on the same session. It has no MultiStream of v1.0 any more."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detlite.convert.artifact import open_artifact
from detlite.runtime.backend import Settings
from detlite.runtime.loadgen_random import loaded_order, sample_order
from detlite.runtime.measurement import measure_model
from detlite.runtime.presets import QSL_SEED, SAMPLE_SEED, Preset
from detlite.runtime.protocol import Setup
from detlite.runtime.run_folder import read_rows

pytestmark = [pytest.mark.slow, pytest.mark.data]

DRIVER = Path(__file__).with_name("loadgen_driver.py")
QUERIES = {"single-stream": 200, "multi-stream": 200, "server": 200, "offline": 1}
PRESET = Preset(1, 16, QUERIES, 0.0, 220, warm_up_s=0.5)


@pytest.fixture(scope="module")
def model(shared_data):
    return shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair" / "detect.tflite"


@pytest.fixture(scope="module")
def loadgen(tmp_path_factory):
    """The folder in which mlcommons-loadgen is installed: no environment of ours has it."""
    folder = tmp_path_factory.mktemp("loadgen")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, "mlcommons-loadgen>=6,<7"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mlcommons-loadgen cannot be installed: {done.stderr[-200:]}")
    return folder


@pytest.fixture
def driven(loadgen, model, tmp_path):
    """What LoadGen says of a scenario."""

    def drive(scenario):
        command = [sys.executable, DRIVER, loadgen, model, scenario, tmp_path]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return drive


def ours(model, tmp_path, scenario):
    image = tmp_path / "photo.npy"
    np.save(image, np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8))
    setup = Setup(
        model,
        open_artifact(model).contract,
        "litert",
        Settings(),
        scenario,
        "check",
        replace(PRESET, sample_count=1),
        images=(image,),
        per_second=30.0,
    )
    return measure_model(setup, run=tmp_path / "run")


def test_single_stream_agrees(driven, model, tmp_path):
    record, logged = ours(model, tmp_path, "single-stream"), driven("SingleStream")["logged"]
    assert record["latency_p50_ms"] == pytest.approx(logged["result_50.00_percentile_latency_ns"] / 1e6, rel=0.15)


def test_offline_agrees(driven, model, tmp_path):
    record, logged = ours(model, tmp_path, "offline"), driven("Offline")["logged"]
    assert record["samples_per_second"] == pytest.approx(logged["result_samples_per_second"], rel=0.15)


def test_server_sends_at_the_same_rate_and_waits_as_long(driven, model, tmp_path):
    record, logged = ours(model, tmp_path, "server"), driven("Server")["logged"]
    assert record["scheduled_per_second"] == pytest.approx(logged["result_scheduled_samples_per_sec"], rel=0.01)
    assert record["latency_p50_ms"] == pytest.approx(logged["result_50.00_percentile_latency_ns"] / 1e6, rel=0.25)
    assert len(read_rows(tmp_path / "run/process-1/samples.tsv")) == logged["result_query_count"]


@pytest.mark.parametrize("scenario", ["SingleStream", "Server"])
def test_samples_come_in_the_same_order(driven, scenario):
    said = driven(scenario)
    loaded = loaded_order(QSL_SEED, 16)
    skipped = (math.ceil(200 / 16) + 1) * 8  # it shuffles once for each 200 queries and once more; v1.0 once
    assert said["loaded"] == loaded
    assert said["asked"] == [loaded[i] for i in sample_order(SAMPLE_SEED, 16, 200, skipped=skipped)]
