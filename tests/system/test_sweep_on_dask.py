"""Sweeps and split evaluations on dask, as users start it: local workers, and a scheduler and workers over TCP."""

import json
import shutil
import signal
import socket
import subprocess
import sys
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


EVERY_STAGE = (
    PLAN.replace(
        'scheme = ["float32", "int8"]', 'scheme = "int8"\nformat = ["tflite", "onnx"]\ntarget = ["none", "edgetpu"]'
    )
    + '[[exclude]]\nformat = "onnx"\ntarget = "edgetpu"\n'
)


class Cluster:
    """`dask scheduler` and `dask worker`, each a process of its own, at one port of this machine."""

    def __init__(self, detlite: Detlite, *options: str) -> None:
        tests = str(Path(__file__).parents[1])
        self.folder = detlite.folder / "dask"
        self.folder.mkdir()
        self.environment = {**detlite.environment, "PYTHONPATH": tests, "FAKE_STAGE_S": "0.1"}
        self.options = options
        self.started: list[subprocess.Popen[bytes]] = []
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.address = f"{'tls' if options else 'tcp'}://127.0.0.1:{self.port}"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, *self.options, "--no-dashboard"]
        nowhere = subprocess.DEVNULL
        started = subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=nowhere, stderr=nowhere)
        self.started.append(started)
        return started

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--memory-limit", "0", "--no-nanny", "--death-timeout", "60")
        return self.start("worker", self.address, *options, *words)

    def fake_worker(self) -> subprocess.Popen[bytes]:
        return self.worker("--preload", "builders.fake_worker")


@pytest.fixture
def cluster(detlite):
    """Start a scheduler and two workers of that kind; further options are of TLS."""
    made: list[Cluster] = []

    def started(worker, *options):
        found = Cluster(detlite, *options)
        made.append(found)
        processes = [found.scheduler(), worker(found), worker(found)]
        return found, processes

    yield started
    for process in (one for each in made for one in each.started):
        process.kill()
        process.wait()


def is_any_done(study: Path) -> bool:
    return any('"status":"done"' in path.read_text() for path in (study / "records").glob("*"))


def dones(study: Path) -> Counter:
    return Counter(entry.key for entry in open_store(study).scan().entries if entry.status == "done")


def test_a_worker_that_is_killed_loses_nothing_over_tcp(detlite, cluster):
    found, (_scheduler, worker, _other) = cluster(Cluster.worker)
    running = detlite.start("sweep", "plan.toml", "-o", "study", "--scheduler", found.address, "--json")
    wait_until(lambda: is_any_done(detlite.folder / "study"))
    worker.kill()
    found.worker()
    out, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    assert json.loads(out)["done"] == 3
    done = dones(detlite.folder / "study")
    assert (len(done), set(done.values())) == (9, {1})


def test_a_scheduler_that_is_killed_and_comes_back_loses_nothing(detlite, cluster):
    found, (scheduler, *_workers) = cluster(Cluster.fake_worker)
    running = detlite.start("sweep", "plan.toml", "-o", "study", "--scheduler", found.address, "--json")
    wait_until(lambda: is_any_done(detlite.folder / "study"))
    scheduler.kill()
    scheduler.wait()
    found.scheduler()
    found.fake_worker()
    out, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    assert "the scheduler is lost: waiting 10 min for it; what was finished is kept" in err
    assert json.loads(out)["done"] == 3
    done = dones(detlite.folder / "study")
    assert (len(done), set(done.values())) == (9, {1})


def test_a_worker_that_is_killed_in_every_stage_loses_nothing(detlite, tmp_path):
    (detlite.folder / "plan.toml").write_text(EVERY_STAGE.replace('"float"', '["float", "ssd_mobilenet_v2_coco"]'))
    (tmp_path / "kills").mkdir()
    detlite.environment |= {"PYTHONPATH": str(Path(__file__).parents[1]), "FAKE_KILLS": str(tmp_path / "kills")}
    detlite.environment |= {"DASK_DISTRIBUTED__WORKER__PRELOAD": "['builders.fake_worker']"}
    ran = detlite("sweep", "plan.toml", "-o", "study", "--workers", 2, "--json")
    assert ran.status == 0, ran.err
    kinds = {"fetch", "convert", "quantize", "export", "compile", "measure", "evaluate"}
    assert {path.name for path in (tmp_path / "kills").iterdir()} == kinds
    counts = starts(detlite.folder / "study")
    assert {kind: counts[(kind, "started")] - counts[(kind, "done")] for kind in kinds} == dict.fromkeys(kinds, 1)
    assert set(dones(detlite.folder / "study").values()) == {1}


def certificates(folder: Path) -> tuple[str, str]:
    """Make a key and a certificate that signs itself, for the authority and for every node."""
    key, certificate = str(folder / "key.pem"), str(folder / "cert.pem")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=detlite"]
    subprocess.run(["openssl", *words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return key, certificate


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_a_sweep_runs_over_tls_and_without_a_certificate_is_refused_in_a_line(detlite, cluster):
    key, certificate = certificates(detlite.folder)
    tls = ("--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key)
    found, _processes = cluster(Cluster.fake_worker, *tls, "--protocol", "tls")
    arguments = ("sweep", "plan.toml", "-o", "study", "--scheduler", found.address)
    ran = detlite(*arguments, *tls)
    assert ran.status == 0, ran.err
    assert len(dones(detlite.folder / "study")) == 9
    (detlite.folder / "study").rename(detlite.folder / "other")
    refused = detlite(*arguments)
    assert refused.status == 2
    assert refused.err.splitlines()[-1].startswith(f"detlite: no dask scheduler answers at {found.address}")


def test_a_scheduler_that_is_not_there_is_one_line(detlite):
    ran = detlite("sweep", "plan.toml", "-o", "study", "--scheduler", "tcp://127.0.0.1:9")
    assert ran.status == 2
    last = ran.err.strip().splitlines()[-1]
    assert last.startswith("detlite: no dask scheduler answers at tcp://127.0.0.1:9")
