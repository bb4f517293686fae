"""An .onnx on a scripted Jetson: its engine is built there once for what it depends on, and measured there."""

import json
import sys

import pytest
from builders.scripted_device import fake_ssh, jetson
from builders.trtexec_stand_in import trtexec

from detlite.cli import main

onnx = pytest.importorskip("onnx")

FEW = ("--min-seconds", "0", "--processes", "1")


def model(*kinds):
    """A model of these operators, one after the other."""
    names = ["x", *map(str, range(len(kinds)))]
    nodes = [onnx.helper.make_node(kind, [a], [b]) for kind, a, b in zip(kinds, names, names[1:], strict=False)]
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "made in a test", [], [])).SerializeToString()


@pytest.fixture
def measure(tmp_path, monkeypatch, capsys):
    """Measures an .onnx on a scripted Jetson; returns status, stdout, stderr; *body* is done by its trtexec."""
    made = jetson(tmp_path / "it")
    monkeypatch.setenv("PATH", f"{fake_ssh(tmp_path / 'ssh', made)}:/usr/bin:/bin")
    monkeypatch.setenv("DETLITE_DEVICES", str(tmp_path / "devices.toml"))
    table = '[{name}]\nkind = "{kind}"\naddress = "orin.lan"\nwork = "{work}"\npython = "{python}"\n'
    rows = [
        table.format(name=name, kind=kind, work=tmp_path / "work", python=sys.executable)
        for name, kind in (("orin", "jetson"), ("pi", "generic_linux"))
    ]
    (tmp_path / "devices.toml").write_text("".join(rows))
    (tmp_path / "model.onnx").write_bytes(model("Relu"))

    def run(*arguments, body="", device="orin", missing=False, digits="100300", name="model.onnx"):
        made.program("trtexec", trtexec(tmp_path, digits=digits, body=body))
        if missing:
            (made.programs / "trtexec").unlink()
        status = main(["measure", str(tmp_path / name), "--device", device, *FEW, *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    run.made, run.folder = made, tmp_path
    return run


def builds(measure) -> list[str]:
    return [line for line in (measure.folder / "calls").read_text().splitlines() if "--saveEngine" in line]


def test_an_engine_is_built_there_and_measured_there(measure):
    status, out, _err = measure("--json")
    record = json.loads(out)
    assert (status, record["latency"]["p50_ms"], record["emulated"]) == (0, 3.75, True)
    assert record["stages_p50_ms"]["invoke"] == 3.0
    engine = record["engine"]
    assert (engine["version"], engine["precision"], engine["power_mode"], engine["kept"]) == (
        "10.3.0",
        "fp16",
        "15W",
        False,
    )
    assert (engine["tensorrt"], engine["gpu"]) == ("10.3.0.30", "NVIDIA Jetson Orin Nano Developer Kit p3767-0005")
    assert record["standing_before"]["power_mode"] == "15W"
    (build,) = builds(measure)
    assert "--fp16 --skipInference" in build


def test_the_second_time_the_engine_is_there(measure):
    measure()
    status, out, _err = measure("--json")
    assert (status, json.loads(out)["engine"]["kept"], len(builds(measure))) == (0, True, 1)


def test_another_power_mode_or_precision_has_an_engine_of_its_own(measure):
    measure()
    measure("--precision", "fp32")
    measure.made.says("nvpmodel", "NV Power Mode: 7W\n1\n")
    measure()
    assert len(builds(measure)) == 3


def test_an_engine_that_was_damaged_is_built_again(measure):
    measure()
    (engine,) = (measure.folder / "work/engines").glob("*.engine")
    engine.write_text("another")
    measure()
    assert len(builds(measure)) == 2


def test_an_onnx_that_trtexec_does_not_take_is_bad_input(measure):
    said = "echo '[01/02/2026-10:00:00] [E] [TRT] ModelImporter.cpp:773: While parsing node number 3 [NonMax]:'"
    status, out, err = measure(body=f"{said}\necho '&&&& FAILED TensorRT.trtexec [TensorRT v100300] # trtexec'; exit 1")
    assert (status, out) == (2, "")
    assert "orin: trtexec does not take the .onnx: [TRT] ModelImporter.cpp:773" in err
    assert list((measure.folder / "work/engines").glob("*.partial")) == []


def test_a_build_that_fails_with_status_0_is_a_failure(measure):
    status, _out, err = measure(body="echo '&&&& FAILED TensorRT.trtexec [TensorRT v8001] # trtexec'; exit 0")
    assert status == 4
    assert "orin: trtexec failed" in err


def test_a_jetson_without_trtexec_is_told_what_to_install(measure):
    status, _out, err = measure(missing=True)
    assert status == 3
    assert "orin has no trtexec: sudo apt-get install libnvinfer-bin" in err


def test_int8_without_scales_in_the_file_is_said(measure):
    _status, out, _err = measure("--precision", "int8", "--json")
    assert any(text.startswith("int8: the .onnx has no QuantizeLinear nodes") for text in json.loads(out)["cautions"])


def test_a_file_that_rounds_to_int8_is_built_as_int8(measure):
    (measure.folder / "model.onnx").write_bytes(model("QuantizeLinear", "DequantizeLinear"))
    _status, out, _err = measure("--json")
    (build,) = builds(measure)
    assert (json.loads(out)["engine"]["precision"], "--int8 --fp16" in build) == ("int8", True)
    assert not any("QuantizeLinear" in text for text in json.loads(out)["cautions"])


def test_a_file_that_is_no_onnx_is_refused_before_the_device_is_asked(measure):
    (measure.folder / "model.onnx").write_bytes(b"no onnx")
    status, _out, err = measure()
    assert (status, (measure.folder / "work").exists()) == (2, False)
    assert "model.onnx" in err


def test_version_11_builds_what_the_onnx_states(measure):
    measure.made.says("dpkg-query", "11.0.0.114-1+cuda13.0\n")
    status, out, _err = measure("--json", digits="110000")
    (build,) = builds(measure)
    assert (status, json.loads(out)["engine"]["precision"]) == (0, "as written")
    assert "--fp16" not in build
    assert "--int8" not in build


def test_a_profile_says_what_each_layer_computes_in(measure):
    _status, out, _err = measure("--profile", "--json")
    assert [(one["operator"], one["place"], one["mean_ms"]) for one in json.loads(out)["profile"]] == [
        ("Reformatting CopyNode for Input Tensor 0 to first", "TensorRT float32", 0.1),
        ("Conv/first + Relu/first", "TensorRT int8", 0.4),
        ("Sigmoid/scores", "TensorRT float16", 0.1),
    ]


def test_an_engine_is_measured_as_it_is(measure):
    (measure.folder / "model.engine").write_bytes(b"an engine")
    status, out, _err = measure("--json", name="model.engine")
    assert (status, json.loads(out)["engine"]["tensorrt"], builds(measure)) == (0, "10.3.0.30", [])


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (
            "[TRT] 6: The engine plan file is generated on an incompatible device, expecting compute 8.7 got compute "
            "7.2, please rebuild.",
            "was built for a GPU of compute capability 7.2, and this one has 8.7: build it again",
        ),
        (
            "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is not compatible "
            "with this version of TensorRT, expecting library version 10.3.0.30 got ..)",
            "was built by TensorRT 8.6.1.6, and this is 10.3.0: build it again",
        ),
    ],
)
def test_an_engine_of_another_version_or_gpu_is_one_line(measure, said, text):
    (measure.folder / "model.engine").write_bytes(b"ftrt" + bytes(20) + bytes((8, 6, 1, 6)))
    failed = (
        f"""echo "[11/29/2026-10:00:00] [E] {said}"; echo '&&&& FAILED TensorRT.trtexec [TensorRT v100300]'; exit 1"""
    )
    status, out, err = measure(name="model.engine", body=failed)
    assert (status, out) == (2, "")
    assert text in err


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_version_11_has_no_choice_of_precision(measure, precision):
    measure.made.says("dpkg-query", "11.0.0.114-1+cuda13.0\n")
    status, _out, err = measure("--precision", precision)
    assert status == 2
    assert f"TensorRT 11 computes in the types that the .onnx states, so it has no --precision {precision}" in err


@pytest.mark.parametrize(
    ("arguments", "device", "text"),
    [
        (["--precision", "fp8"], "orin", "no precision is called 'fp8'"),
        (["--scenario", "offline"], "orin", "trtexec measures single-stream with numbers of its own"),
        (["--no-xnnpack"], "orin", "leave out --xnnpack"),
        (["--threads", "4"], "orin", "leave out --threads"),
        (["--benchmark-model", "benchmark_model"], "orin", "leave out --benchmark-model"),
        ([], "pi", "pi is a Linux machine: an .onnx is measured on a jetson"),
    ],
)
def test_what_cannot_be_had_is_refused(measure, arguments, device, text):
    status, _out, err = measure(*arguments, device=device)
    assert status == 2
    assert text in err


def test_cleaning_removes_the_engines_too(measure, capsys):
    measure()
    assert main(["devices", "clean", "orin"]) == 0
    assert not list((measure.folder / "work").rglob("*.engine"))
