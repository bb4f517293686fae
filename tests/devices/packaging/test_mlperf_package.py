"""The folder for MLPerf's vision app, what it refuses, and the logs that are read back.

LoadGen runs the folder in `tests/interop/test_mlperf_app.py`.
"""

import json

import numpy as np
import pytest
from builders.app_detector import large_detector, packed_app
from builders.float_detector import detector
from builders.json_schemas import check_record
from builders.tiny_classifier import save_classifier

from detlite.accuracy.mlperf_log import read_accuracy_log
from detlite.cli import main
from detlite.convert.exporter import export_model
from detlite.devices.packaging.mlperf.check import read_app_run
from detlite.runtime.errors import InputError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
loadgen = pytest.importorskip("mlperf_loadgen")


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """See `packed_app`, of ssd-mobilenet."""
    return packed_app(tmp_path_factory.mktemp("mlperf"), 300)


def test_loadgen_takes_the_rules_of_v1_0(packed):
    settings = loadgen.TestSettings()
    settings.FromConfig(str(packed / "package/mlperf.conf"), "ssd-mobilenet", "SingleStream")
    assert (settings.min_duration_ms, settings.min_query_count) == (600_000, 1024)
    assert settings.performance_sample_count_override == 256


def test_a_model_of_1200_pixels_is_packed_for_ssd_resnet34(tmp_path, capsys):
    large_detector(1200).save(tmp_path / "model")
    assert main(["package", str(tmp_path / "model"), "--mlperf", "-o", str(tmp_path / "out"), "--json"]) == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    check_record(record)
    assert record["profile"] == "ssd-resnet34-onnxruntime"
    assert "the model has 3 classes: with ssd-resnet34-onnxruntime, the app scores COCO's 80" in said.err
    texts = {
        name: (tmp_path / "out" / name).read_text() for name in ("run.sh", "README.md", "user.conf", "mlperf.conf")
    }
    assert not any("@" in text or "ssd-mobilenet" in text for text in (texts["user.conf"], texts["mlperf.conf"]))
    assert "--profile ssd-resnet34-onnxruntime" in texts["run.sh"]
    assert "COCO's 80 classes" in texts["README.md"]
    settings = loadgen.TestSettings()
    settings.FromConfig(str(tmp_path / "out/mlperf.conf"), "ssd-resnet34", "SingleStream")
    assert settings.performance_sample_count_override == 64


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: detector().save(folder), "takes images of 16 x 16: MLPerf's app resizes to 300 x 300"),
        (
            lambda folder: export_model(large_detector(), "onnx").save(folder),
            "is an .onnx without MLPerf's interface",
        ),
        (save_classifier, "this needs a detector; the model is a classifier"),
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
