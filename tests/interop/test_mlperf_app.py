"""LoadGen runs a packed model by a stand-in for MLPerf's vision app, and what it logs is read back.

main.py itself comes in no package: the stand-in (`builders/vision_app.py`) has its options, its data set, its calls of
LoadGen and of ONNX Runtime, and the rules by which its two profiles read a model.
"""

import json
import subprocess
import sys

import pytest
from builders.app_detector import IMAGES, packed_app
from builders.json_schemas import check_record

from detlite.cli import main

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("mlperf_loadgen")
pytestmark = pytest.mark.slow


def app(folder, output, *words):
    """Run the packed app; returns what it did."""
    command = ["sh", "package/run.sh", "inference", "data", output, *words]
    environment = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module", params=[300, 1200], ids=["ssd-mobilenet", "ssd-resnet34"])
def ran(request, tmp_path_factory):
    """The folder of a model of each benchmark after the app's runs for `accuracy` and for `speed`."""
    packed = packed_app(tmp_path_factory.mktemp("mlperf"), request.param)
    for output, words in (("accuracy", ["--accuracy"]), ("speed", ["--time", "1"])):
        done = app(packed, output, *words)
        assert done.returncode == 0, done.stderr
    return packed


def read(folder, output, capsys, *words):
    status = main(
        list(map(str, ["package", "--mlperf", folder / "package", "--read", folder / output, "--json", *words]))
    )
    said = capsys.readouterr()
    record = json.loads(said.out) if said.out else {}
    if record:
        check_record(record)
    return status, record, said.err


def test_the_app_finds_what_detlite_finds(ran, capsys):
    coco = ("--coco", ran / "data/val2017", ran / "data/annotations/instances_val2017.json")
    status, record, _err = read(ran, "accuracy", capsys, *coco)
    score, images = record["figures"]
    assert (status, record["app"]["mode"], images["app"], images["own"]) == (0, "AccuracyOnly", IMAGES, IMAGES)
    assert score["app"] > 90
    assert abs(score["difference"]) < 0.05


def test_evaluate_scores_the_app_s_log_too(ran, capsys):
    coco = ("--coco", ran / "data/val2017", ran / "data/annotations/instances_val2017.json")
    words = ["evaluate", ran / "package", *coco, "--detections", ran / "accuracy", "--json"]
    assert main(list(map(str, words))) == 0
    assert json.loads(capsys.readouterr().out)["map"] > 90


def test_the_times_of_the_app_are_read_beside_detlite_s(ran, tmp_path, capsys):
    words = ["measure", ran / "package", "--scenario", "single-stream", "--noise", "--min-seconds", "0"]
    words += ["--queries", "40", "--processes", "1", "-o", tmp_path / "run"]
    assert main(list(map(str, words))) in (0, 1)  # 1: so short a run may be INVALID, and is read all the same
    capsys.readouterr()
    status, record, _err = read(ran, "speed", capsys, "--run", tmp_path / "run")
    rows = {row["figure"]: row for row in record["figures"]}
    assert (status, record["app"]["scenario"], set(rows)) == (
        0,
        "SingleStream",
        {"p50 latency", "p90 latency", "mean latency"},
    )
    assert rows["p90 latency"]["app"] >= rows["p50 latency"]["app"] > 0


def test_run_sh_says_what_is_not_there(ran):
    (ran / "data/val2017").rename(ran / "data/elsewhere")
    try:
        done = app(ran, "nothing")
    finally:
        (ran / "data/elsewhere").rename(ran / "data/val2017")
    assert (done.returncode, "val2017 is not there: the app wants" in done.stderr) == (2, True)
