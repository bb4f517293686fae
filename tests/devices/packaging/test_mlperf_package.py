"""The folder for MLPerf's vision app, run by LoadGen with a stand-in for its main.py, and read back."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import vision_app
from builders.float_detector import CLASSES, contract, detector
from builders.float_models import RELU6, FloatNet
from builders.json_schemas import check_record
from PIL import Image

from detlite.accuracy.mlperf_log import read_accuracy_log
from detlite.cli import main
from detlite.convert.exporter import export_model
from detlite.convert.model import Model, session_of
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.devices.packaging.mlperf.check import read_app_run
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Output

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
loadgen = pytest.importorskip("mlperf_loadgen")

SIDE, CELLS, IMAGES = 300, 6, 3
COUNT = CELLS * CELLS


def large_detector():
    """A detector of 300 x 300 pixels with 36 anchors."""
    net = FloatNet((1, SIDE, SIDE, 3))
    features = net.conv(net.image, 4, stride=50, activation=RELU6, bias=np.full(4, 2.0))
    boxes = net.reshape(net.conv(features, 4, window=1), (1, COUNT, 4))
    logits = net.reshape(net.conv(features, CLASSES + 1, window=1), (1, COUNT, CLASSES + 1))
    scores = net.add("LOGISTIC", [logits], [(1, COUNT, CLASSES + 1)])[0]
    model = load(net.finish(boxes, scores), "made in a test")
    name_heads(model, {"box_encodings": boxes, "class_scores": scores})
    rows = (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS
    centres = np.stack(np.meshgrid(rows, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    anchors = np.concatenate([centres, np.full((COUNT, 2), 0.2, np.float32)], axis=1).astype(np.float32)
    roles = {"box_encodings": 4, "class_scores": CLASSES + 1}
    outputs = tuple(Output(role, role, i, (1, COUNT, n), "float32") for i, (role, n) in enumerate(roles.items()))
    small = contract()
    image = replace(small.image, height=SIDE, width=SIDE)
    known = replace(small, inputs=(image,), outputs=outputs, task=replace(small.task, anchors=anchors))
    return Model(dump(model), "tflite", known, ({"step": "made in a test"},))


def annotations(model, files):
    """What *model* finds in *files*, as labels in COCO's format."""
    session, rows = session_of(model), []
    for number, file in enumerate(files):
        for found in session.run(np.asarray(Image.open(file))).above(0.6):
            y1, x1, y2, x2 = (float(value) * SIDE for value in found.box)
            box = [x1, y1, x2 - x1, y2 - y1]
            name = model.contract.labels.index(found.label) + 1
            rows.append({"image_id": number, "category_id": name, "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
    return {
        "images": [{"id": i, "file_name": f.name, "height": SIDE, "width": SIDE} for i, f in enumerate(files)],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(model.contract.labels)],
        "annotations": [{"id": i + 1, **row} for i, row in enumerate(rows)],
    }


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A folder with `package`, `data` as the app wants it, `inference` with the stand-in, and the model's `float`."""
    folder, model = tmp_path_factory.mktemp("mlperf"), large_detector()
    model.save(folder / "float")
    app = folder / "inference/vision/classification_and_detection/python"
    for place in (app, folder / "data/val2017", folder / "data/annotations"):
        place.mkdir(parents=True)
    (app / "main.py").write_text(Path(vision_app.__file__).read_text())
    files = [folder / f"data/val2017/{name}.png" for name in ("c", "a", "b")]  # the labels' order is no order of names
    for number, file in enumerate(files):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file)
    (folder / "data/annotations/instances_val2017.json").write_text(json.dumps(annotations(model, files)))
    assert main(["package", str(folder / "float"), "--mlperf", "-o", str(folder / "package")]) == 0
    return folder


def app(folder, output, *words):
    """Run the packed app; returns what it did."""
    command = ["sh", "package/run.sh", "inference", "data", output, *words]
    environment = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def ran(packed):
    """The same folder after the app's runs for `accuracy` and for `speed`."""
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


@pytest.mark.slow
def test_the_app_finds_what_detlite_finds(ran, capsys):
    coco = ("--coco", ran / "data/val2017", ran / "data/annotations/instances_val2017.json")
    status, record, _err = read(ran, "accuracy", capsys, *coco)
    score, images = record["figures"]
    assert (status, record["app"]["mode"], images["app"], images["own"]) == (0, "AccuracyOnly", IMAGES, IMAGES)
    assert score["app"] > 90
    assert abs(score["difference"]) < 0.05


@pytest.mark.slow
def test_evaluate_scores_the_app_s_log_too(ran, capsys):
    coco = ("--coco", ran / "data/val2017", ran / "data/annotations/instances_val2017.json")
    words = ["evaluate", ran / "package", *coco, "--detections", ran / "accuracy", "--json"]
    assert main(list(map(str, words))) == 0
    assert json.loads(capsys.readouterr().out)["map"] > 90


@pytest.mark.slow
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


def test_loadgen_takes_the_rules_of_v1_0(packed):
    settings = loadgen.TestSettings()
    settings.FromConfig(str(packed / "package/mlperf.conf"), "ssd-mobilenet", "SingleStream")
    assert (settings.min_duration_ms, settings.min_query_count) == (600_000, 1024)
    assert settings.performance_sample_count_override == 256


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: detector().save(folder), "takes images of 16 x 16: MLPerf's app resizes to 300 x 300"),
        (
            lambda folder: export_model(large_detector(), "onnx").save(folder),
            "is an .onnx without MLPerf's interface",
        ),
    ],
)
def test_a_model_that_the_app_cannot_run_is_refused(tmp_path, capsys, make, text):
    make(tmp_path / "model")
    assert main(["package", str(tmp_path / "model"), "--mlperf", "-o", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--mlperf", "-o", "out"], "no model: give the MODEL to pack"),
        (["{folder}/float", "--mlperf"], "no output folder: give -o OUT"),
        (["{folder}/float", "--mlperf", "-o", "out", "--limit", "3"], "--limit needs --read OUTPUT"),
        (["{folder}/float", "-o", "out", "--read", "{folder}"], "--read needs --mlperf"),
        (
            ["{folder}/float", "--mlperf", "--android", "-o", "out"],
            "--android and --mlperf are different things to do: give one",
        ),
        (["{folder}/float", "--mlperf", "--images", "{folder}", "-o", "out"], "reads its own: leave out --images"),
        (["{folder}/package", "--mlperf", "--read", "{folder}", "-o", "out"], "--read writes nothing: leave out -o"),
        (["{folder}/package", "--mlperf", "--read", "{folder}", "--limit", "3"], "--limit needs --coco IMAGES"),
        (["{folder}/package", "--mlperf", "--read", "{folder}/data"], "cannot be read as a log of LoadGen"),
        (["{folder}/float", "--mlperf", "-o", "out", "--name", "app"], "--name needs --android"),
        (["{folder}/float", "--runtime", "-o", "out", "--gpu", "m", "--aar"], "--gpu and --aar need --android"),
        (["{folder}/float", "-o", "out", "--alignment", "4"], "--alignment needs --verify"),
        (["--verify", "app.apk", "-o", "out"], "--verify writes nothing and reads no images: leave out -o"),
    ],
)
def test_what_is_missing_is_named(packed, capsys, words, text):
    assert main(["package", *(word.format(folder=packed) for word in words)]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.slow
def test_run_sh_says_what_is_not_there(packed):
    done = app(packed, "nothing", "--accuracy")
    assert done.returncode == 0
    (packed / "data/val2017").rename(packed / "data/elsewhere")
    try:
        done = app(packed, "nothing")
    finally:
        (packed / "data/elsewhere").rename(packed / "data/val2017")
    assert (done.returncode, "val2017 is not there: the app wants" in done.stderr) == (2, True)


def row(place=0, values=(0, 0, 1, 1, 0.5, 2)):
    return np.array([place, *values], "<f4").tobytes().hex()


@pytest.mark.parametrize(
    ("log", "text"),
    [
        ("no JSON", "cannot be read as an accuracy log"),
        ("[]", "has no results: run the app with --accuracy"),
        ('[{"qsl_idx": 0}]', "want entries with qsl_idx and data"),
        ('[{"qsl_idx": 0, "data": "xyz"}]', "are no float32 in hex"),
        ('[{"qsl_idx": 0, "data": "00000000"}]', "are not rows of 7 numbers"),
        (f'[{{"qsl_idx": 0, "data": "{row(3)}"}}]', "image 0 has results of image 3"),
        (f'[{{"qsl_idx": 0, "data": "{row(0, (0, 0, 1, 1, 0.5, 1e30))}"}}]', "a class that is no whole number from 0"),
        (f'[{{"qsl_idx": 0, "data": "{row(0, (0, 0, 1, 1, 0.5, -1))}"}}]', "a class that is no whole number from 0"),
    ],
)
def test_a_damaged_accuracy_log_is_refused(tmp_path, log, text):
    (tmp_path / "mlperf_log_accuracy.json").write_text(log)
    with pytest.raises(InputError, match=text):
        read_accuracy_log(tmp_path / "mlperf_log_accuracy.json")


def test_details_without_a_verdict_are_cut_short(tmp_path):
    known = {"effective_scenario": "SingleStream", "effective_test_mode": "PerformanceOnly"}
    lines = [f":::MLLOG {json.dumps({'key': key, 'value': value})}\n" for key, value in known.items()]
    (tmp_path / "mlperf_log_detail.txt").write_text("".join(lines))
    with pytest.raises(InputError, match="is cut short: it has no result_validity; run the app to its end"):
        read_app_run(tmp_path)


def test_an_accuracy_log_is_read_by_images(tmp_path):
    entries = [{"seq_id": 0, "qsl_idx": 1, "data": row(1)}, {"seq_id": 1, "qsl_idx": 0, "data": ""}]
    (tmp_path / "log.json").write_text(json.dumps(entries))
    found = read_accuracy_log(tmp_path / "log.json")
    assert (found[0].shape, found[1].tolist()) == ((0, 7), [[1, 0, 0, 1, 1, 0.5, 2]])
