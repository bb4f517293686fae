"""Sweeps and split evaluations on dask, as users start it: local workers, and a scheduler and workers over TCP."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from builders.command_line import Detlite
from builders.float_detector import detector, write_images
from builders.studies import write_labels
from builders.waiting import wait_until

from detlite.studies.store.store import open_store

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

PLAN = """
[axes]
model = "float"
scheme = ["float32", "int8"]
calibration = "images"
count = [4, 8]
device = ["host"]
dataset = "val"
[datasets.val]
coco = ["images", "instances.json"]
[measure]
queries = 30
processes = 1
min_seconds = 0.2
[evaluate]
bootstrap = 10
"""


@pytest.fixture
def detlite(tmp_path):
    (tmp_path / "images").mkdir()
    write_images(tmp_path / "images", count=24)
    detector().save(tmp_path / "float")
    (tmp_path / "plan.toml").write_text(PLAN)
    write_labels(tmp_path / "instances.json", 24)
    return Detlite(tmp_path)


def starts(study: Path) -> Counter:
    return Counter((entry.kind, entry.status) for entry in open_store(study).scan().entries)


def test_a_plan_runs_once_and_a_second_run_does_nothing(detlite):
    ran = detlite("sweep", "plan.toml", "-o", "study", "--workers", 2, "--json")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["stages_run"] == 9
    again = detlite("sweep", "plan.toml", "-o", "study", "--json")
    assert json.loads(again.out)["stages_run"] == 0
    assert starts(detlite.folder / "study")[("measure", "started")] == 3
    changed = PLAN.replace("[4, 8]", "[4, 8, 12]")
    (detlite.folder / "plan.toml").write_text(changed)
    third = detlite("sweep", "plan.toml", "-o", "study", "--workers", 1, "--json")
    assert json.loads(third.out)["stages_run"] == 3  # quantize, measure, evaluate


def test_a_cell_that_fails_ends_alone_with_exit_status_1(detlite):
    (detlite.folder / "bad").mkdir()
    (detlite.folder / "bad" / "model.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 40)
    text = PLAN.replace('"float"', '["float", "bad/model.tflite"]').replace('["float32", "int8"]', '"float32"')
    (detlite.folder / "plan.toml").write_text(text)
    ran = detlite("sweep", "plan.toml", "-o", "study", "--workers", 2, "--json")
    assert ran.status == 1
    found = json.loads(ran.out)
    assert (found["cells"], found["done"]) == (2, 1)
    assert Counter(one["status"] for one in found["failures"]) == {"failed": 1, "not run": 2}
    assert "detlite: 1 of 2 cells failed, the first: bad/model.tflite" in ran.err


def test_after_ctrl_c_the_same_command_resumes(detlite):
    running = detlite.start("sweep", "plan.toml", "-o", "study", "--workers", 2)
    records = detlite.folder / "study" / "records"
    wait_until(lambda: any('"status":"done"' in path.read_text() for path in records.glob("*")))
    running.send_signal(signal.SIGINT)
    _out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "Traceback" not in err
    ran = detlite("sweep", "plan.toml", "-o", "study", "--workers", 2, "--json")
    assert ran.status == 0, ran.err
    assert 0 < json.loads(ran.out)["stages_run"] < 9


def numbers(ran):
    times = ("wall_s", "detect_wall_s", "invoke_sum_s", "score_wall_s")
    return {key: value for key, value in json.loads(ran.out).items() if key not in times}


@pytest.mark.parametrize("metric", ["coco", "voc2007", "voc2010"])
def test_a_split_evaluation_has_the_numbers_of_one_process(detlite, metric):
    arguments = [
        "evaluate",
        "float",
        "--coco",
        "images",
        "instances.json",
        "--metric",
        metric,
        "--bootstrap",
        20,
        "--json",
    ]
    one, split = detlite(*arguments), detlite(*arguments, "--workers", 2)
    assert one.status == split.status == 0, split.err
    assert numbers(one)["map"] > 0
    assert numbers(split) == numbers(one)


@pytest.fixture
def cluster(detlite):
    """A scheduler and two workers in processes of their own; gives the address and the workers."""
    environment = {**detlite.environment, "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0"}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "scheduler.json"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": scratch}
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        started = [subprocess.Popen([sys.executable, "-m", "dask", "scheduler", *options], **quiet)]
        wait_until(lambda: file.exists() and file.stat().st_size > 0)
        address = json.loads(file.read_text())["address"]
        command = [
            sys.executable,
            "-m",
            "dask",
            "worker",
            address,
            "--nthreads",
            "1",
            "--memory-limit",
            "0",
            "--no-nanny",
        ]
        started += [subprocess.Popen([*command, "--no-dashboard"], **quiet) for _number in range(2)]
        yield address, started[1:], [*command, "--no-dashboard"], quiet
        for process in started:
            process.kill()
            process.wait()


def test_a_worker_that_is_killed_loses_nothing_over_tcp(detlite, cluster):
    address, workers, command, quiet = cluster
    running = detlite.start("sweep", "plan.toml", "-o", "study", "--scheduler", address, "--json")
    records = detlite.folder / "study" / "records"
    wait_until(lambda: any('"status":"done"' in path.read_text() for path in records.glob("*")))
    os.kill(workers[0].pid, signal.SIGKILL)
    another = subprocess.Popen(command, **quiet)
    out, err = running.communicate(timeout=300)
    another.kill()
    another.wait()
    assert running.returncode == 0, err
    assert json.loads(out)["done"] == 3
    done = Counter(e.key for e in open_store(detlite.folder / "study").scan().entries if e.status == "done")
    assert len(done) == 9
    assert set(done.values()) == {1}


def test_a_scheduler_that_is_not_there_is_one_line(detlite):
    ran = detlite("sweep", "plan.toml", "-o", "study", "--scheduler", "tcp://127.0.0.1:9")
    assert ran.status == 2
    last = ran.err.strip().splitlines()[-1]
    assert last.startswith("detlite: no dask scheduler answers at tcp://127.0.0.1:9")
