"""An engine that is built on a scripted Jetson for `detlite compile`, by a stand-in for trtexec 8.5, 10.3 and 11."""

import json
import sys

import pytest
from builders.float_detector import detector, write_images
from builders.json_schemas import check_record
from builders.scripted_device import fake_ssh, jetson
from builders.trtexec_stand_in import trtexec

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.cli import main
from detlite.runtime.artifact import read_artifact

pytest.importorskip("onnx")

PACKAGES = {"8502": "8.5.2-1+cuda11.4", "100300": "10.3.0.30-1+cuda12.5", "110000": "11.0.0.114-1+cuda13.0"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small int8 detector with float biases."""
    folder = tmp_path_factory.mktemp("model")
    images = Images(write_images(folder, count=2), "made in a test")
    quantize(detector(), images, Recipe(scheme="int8-float-bias")).model.save(folder / "int8")
    return folder / "int8"


@pytest.fixture
def compiled(tmp_path, monkeypatch, capsys, model):
    """Compiles the model on a scripted Jetson with a version of TensorRT; returns status, record, stderr."""
    made = jetson(tmp_path / "it")
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'ssh', made)}:/usr/bin:/bin")
    monkeypatch.setenv("DETLITE_DEVICES", str(tmp_path / "devices.toml"))
    table = f'work = "{tmp_path / "work"}"\npython = "{sys.executable}"\naddress = "orin.lan"\n'
    (tmp_path / "devices.toml").write_text(f'[orin]\nkind = "jetson"\n{table}[pi]\nkind = "generic_linux"\n{table}')

    def run(*arguments, digits="100300", body="", device="orin", is_packaged=True, source=model):
        made.program("trtexec", trtexec(tmp_path, digits=digits, body=body))
        made.program("dpkg-query", f"echo {PACKAGES[digits]}" if is_packaged else "exit 1")
        words = ["compile", source, "--target", "tensorrt", "--device", device, "-o", run.out, "--json", *arguments]
        status, said = main(list(map(str, words))), capsys.readouterr()
        record = json.loads(said.out) if said.out else {}
        if record:
            check_record(record)
        return status, record, said.err

    run.out, run.calls = tmp_path / "out", tmp_path / "calls"
    return run


def test_the_engine_comes_with_its_log_its_layers_and_its_onnx(compiled):
    status, record, _err = compiled()
    engine = record["engine"]
    assert (status, record["tensorrt"], engine["build_s"], engine["kept"]) == (0, "10.3", 12.5, False)
    (build,) = compiled.calls.read_text().splitlines()
    assert build.split()[2:-1] == ["--int8", "--fp16", "--skipInference", "--profilingVerbosity=detailed"]
    assert (compiled.out / "model.engine").read_text() == "an engine\n"
    assert "Engine built in 12.5 sec" in (compiled.out / "trtexec.log").read_text()
    assert json.loads((compiled.out / "engine.json").read_text()) == engine
    assert read_artifact(compiled.out).contract.roles == ("box_encodings", "class_scores")


def test_what_each_layer_computes_in_is_told(compiled):
    _status, record, _err = compiled()
    assert [(one["kind"], one["precision"]) for one in record["layers"]] == [
        ("Reformat", "float32"),
        ("CaskConvolution", "int8"),
        ("PointWiseV2", "float16"),
    ]
    assert record["layers"][1]["nodes"] == ["Conv/first", "Relu/first"]


def test_an_int8_engine_of_a_file_without_scales_is_said_to_be_wrong(compiled, tmp_path):
    detector().save(tmp_path / "float")
    status, record, err = compiled("--precision", "int8", source=tmp_path / "float")
    assert (status, record["engine"]["precision"]) == (0, "int8")
    assert "int8: the .onnx has no QuantizeLinear nodes, so trtexec makes scales up" in err


def test_the_second_time_the_engine_is_there(compiled):
    compiled()
    status, record, _err = compiled("--force")
    assert (status, record["engine"]["kept"], len(compiled.calls.read_text().splitlines())) == (0, True, 1)


@pytest.mark.parametrize(
    ("digits", "options"),
    [
        ("8502", ["--int8", "--fp16", "--buildOnly", "--profilingVerbosity=detailed"]),
        ("110000", ["--skipInference", "--profilingVerbosity=detailed"]),
    ],
)
def test_each_version_gets_its_own_options(compiled, digits, options):
    status, record, _err = compiled(digits=digits)
    assert (status, record["engine"]["options"]) == (0, options)


def test_a_device_that_does_not_name_its_version_is_asked_by_trtexec(compiled):
    status, record, _err = compiled(digits="110000", is_packaged=False)
    assert (status, record["tensorrt"], record["engine"]["options"][0]) == (0, "11.0", "--skipInference")


@pytest.mark.parametrize(
    ("arguments", "device", "text"),
    [
        (["--tensorrt", "8.5"], "orin", "orin has TensorRT 10.3.0.30, not 8.5: leave out --tensorrt"),
        ([], "pi", "pi is a Linux machine: TensorRT's engines are built on a jetson"),
        ([], "nobody", "no device is called 'nobody'"),
    ],
)
def test_what_a_device_cannot_do_is_refused_in_a_line(compiled, arguments, device, text):
    status, _record, err = compiled(*arguments, device=device)
    assert (status, compiled.out.exists()) == (2, False)
    assert text in err


def test_an_onnx_that_the_importer_refuses_is_bad_input(compiled):
    said = "[E] [TRT] ModelImporter.cpp:773: While parsing node number 3 [NonMaxSuppression]:"
    failed = "&&&& FAILED TensorRT.trtexec [TensorRT v100300] # trtexec"
    status, _record, err = compiled(body=f"echo '[11/29/2026-10:00:00] {said}'; echo '{failed}'; exit 1")
    assert (status, compiled.out.exists()) == (2, False)
    assert "orin: trtexec does not take the .onnx: [TRT] ModelImporter.cpp:773" in err


def test_damaged_layers_are_named_with_their_place(compiled):
    status, _record, err = compiled(body="echo '{' >\"$layers\"; layers=")
    assert (status, compiled.out.exists()) == (4, False)
    assert ".layers is damaged: " in err


def test_an_engine_whose_layers_are_not_told_says_that_the_table_is_predicted(compiled):
    status, record, err = compiled(body="layers=")
    assert (status, record["layers"]) == (0, [])
    assert "the device does not tell what the engine's layers compute in: the table is what was predicted" in err


def test_other_targets_compile_on_no_device(compiled, model, tmp_path, capsys):
    words = ["compile", str(model), "--target", "edgetpu", "--device", "orin", "-o", str(tmp_path / "coral")]
    assert main(words) == 2
    assert "--device: only TensorRT compiles on a device; for edgetpu, leave it out" in capsys.readouterr().err
