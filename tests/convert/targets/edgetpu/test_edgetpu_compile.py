"""`detlite compile`: everything around the compiler, which a stand-in replays: real logs and real compiled files."""

import hashlib
import json
import shlex
import sys
import time
from pathlib import Path

import pytest
from builders import replay_compiler
from builders.edgetpu_models import Model as GraphOf
from builders.edgetpu_models import convolutions
from builders.said_steps import announces_every_step
from builders.tiny_tflite import tiny_contract, tiny_int8_model

from detlite.cli import main
from detlite.convert.artifact import step
from detlite.convert.model import Model
from detlite.convert.targets.edgetpu.outcome import CompileRecord

STAND_IN = Path(replay_compiler.__file__)
VERSION = "16.0.384591198"


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch, tmp_path):
    """No compiler but what a test names; temporary files where the test can count them."""
    monkeypatch.delenv("EDGETPU_COMPILER", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


def stand_in(tmp_path, mode, files=(), **play):
    """The command of a stand-in in this *mode*, which knows the *files*: (CPU model, compiled files, log)."""
    script = tmp_path / "play.json"
    known = {
        hashlib.sha256(Path(cpu).read_bytes()).hexdigest(): {
            "compiled": [str(item) for item in compiled],
            "log": str(log),
        }
        for cpu, compiled, log in files
    }
    script.write_text(json.dumps({"mode": mode, "version": VERSION, "files": known, **play}))
    return shlex.join([sys.executable, str(STAND_IN), str(script)])


def calls(tmp_path):
    lines = (tmp_path / "play.json.calls").read_text().splitlines()
    return [json.loads(line) for line in lines if "--version" not in line]


def compile_(model, tmp_path, *more):
    return main(["compile", str(model), "--target", "edgetpu", "-o", str(tmp_path / "out"), *more])


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.tflite"
    path.write_bytes(convolutions())
    return path


@pytest.fixture
def pair(shared_data):
    """A real CPU model, its compiled twin and its log."""
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    return folder / "detect.tflite", [folder / "detect_edgetpu.tflite"], folder / "detect_edgetpu.log"


@pytest.mark.data
def test_a_compiled_detector_is_written_with_log_contract_labels_and_history(tmp_path, pair, capsys):
    assert compile_(pair[0], tmp_path, "--compiler", stand_in(tmp_path, "replay", [pair])) == 0
    out = tmp_path / "out"
    names = {"contract.json", "detect_edgetpu.log", "detect_edgetpu.tflite", "history.json", "labels.txt"}
    assert {path.name for path in out.iterdir()} == names
    assert (out / "detect_edgetpu.tflite").read_bytes() == pair[1][0].read_bytes()
    (step,) = json.loads((out / "history.json").read_text())["steps"]
    assert (step["step"], step["compiler"]) == ("compile edgetpu", VERSION)
    said = capsys.readouterr()
    assert "as predicted" in said.out.splitlines()[-1]
    assert announces_every_step(said.err)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.data
def test_the_record_has_the_real_mapping_the_log_and_the_prediction(tmp_path, pair, capsys):
    assert compile_(pair[0], tmp_path, "--json", "--compiler", stand_in(tmp_path, "replay", [pair])) == 0
    record = json.loads(capsys.readouterr().out)
    again = CompileRecord.from_record(record).to_record()
    assert {"schema": "detlite.compile", "schema_version": 1, **again} == record
    assert record["schema"] == "detlite.compile"
    (model,) = record["models"]
    assert model["differences"] == []
    assert [op["name"] for op in model["operators"] if not op["mapped"]] == ["TFLite_Detection_PostProcess"]
    assert model["files"]["detect_edgetpu.tflite"]["cached_bytes"] == 3_671_104
    assert sum(row["count"] for row in record["log"]["models"][0]["rows"]) == 115


@pytest.mark.data
def test_the_compiler_is_told_what_the_options_say(tmp_path, pair):
    command = stand_in(tmp_path, "replay", [pair])
    more = ("--search-step", "8", "--min-runtime", "13", "--multiple-subgraphs", "--cut-at", "a", "--cut-at", "b")
    assert compile_(pair[0], tmp_path, "--compiler", command, *more) == 0
    (words,) = calls(tmp_path)
    assert words == [
        *("--out_dir", "out", "--show_operations", "--timeout_sec", "180"),
        *("--search_delegate", "--delegate_search_step", "8", "--enable_multiple_subgraphs"),
        *("--min_runtime_version", "13", "--intermediate_tensors", "a,b", "detect.tflite"),
    ]


@pytest.mark.data
def test_the_compiler_is_found_by_the_environment(tmp_path, pair, monkeypatch):
    monkeypatch.setenv("EDGETPU_COMPILER", stand_in(tmp_path, "replay", [pair]))
    assert compile_(pair[0], tmp_path) == 0


@pytest.mark.data
def test_a_gate_on_what_came_out_ends_with_1_and_keeps_the_files(tmp_path, pair, capsys):
    command = stand_in(tmp_path, "replay", [pair])
    assert compile_(pair[0], tmp_path, "--compiler", command, "--fail-on", "unmapped>0") == 1
    assert "a gate failed: unmapped>0 (unmapped is 1)" in capsys.readouterr().err
    assert (tmp_path / "out" / "detect_edgetpu.tflite").is_file()


@pytest.mark.data
def test_what_the_compiler_cut_more_is_reported(tmp_path, shared_data, capsys):
    folder = shared_data / "edgetpu" / "models"
    cpu = folder / "mobile_retina_net_padded-78378b8c.tflite"
    compiled = folder / "mobile_retina_net_padded-78378b8c_edgetpu.tflite"
    log = shared_data / "edgetpu" / "logs" / "padded_edgetpucompiler_output.log"
    # this pair's two files are of different quantizations of one network: the check of twins says so
    command = stand_in(tmp_path, "replay", [(cpu, [compiled], log)])
    assert compile_(cpu, tmp_path, "--compiler", command, "--multiple-subgraphs") == 1
    assert "mobile_retina_net_padded-78378b8c_edgetpu.tflite is not" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_a_compiled_file_of_another_model_is_refused(tmp_path, plain, pair, capsys):
    assert compile_(plain, tmp_path, "--compiler", stand_in(tmp_path, "replay", [(plain, *pair[1:])])) == 1
    assert "plain_edgetpu.tflite is not" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_a_log_that_is_not_the_predicted_one_is_reported(tmp_path, pair, capsys):
    log = tmp_path / "other.log"
    log.write_text(
        pair[2].read_text().replace("ADD                            10", "ADD                            9 ")
    )
    assert compile_(pair[0], tmp_path, "--compiler", stand_in(tmp_path, "replay", [(*pair[:2], log)])) == 0
    shown = capsys.readouterr()
    assert "detect: the log has 9 ADD 'Mapped to Edge TPU', and 10 were predicted" in shown.err
    assert "not as predicted" in shown.out.splitlines()[-1]


@pytest.mark.data
def test_an_older_compiler_is_used_with_a_caution(tmp_path, pair, capsys):
    command = stand_in(tmp_path, "replay", [pair], version="2.1.302470888")
    assert compile_(pair[0], tmp_path, "--compiler", command) == 0
    assert "edgetpu_compiler 2.1.302470888: predictions are for 16.0.384591198" in capsys.readouterr().err
    assert "--search_delegate" not in calls(tmp_path)[0]


@pytest.mark.data
def test_two_models_are_compiled_together(tmp_path, shared_data):
    models = shared_data / "edgetpu" / "models"
    log = shared_data / "edgetpu" / "logs" / "quantized_model_edgetpu.log"
    names = ("dense-1a8e42e9", "yamnet-504e652b")
    files = [(models / f"{name}.tflite", [models / f"{name}_edgetpu.tflite"], log) for name in names]
    command = stand_in(tmp_path, "replay", files)
    assert compile_(files[0][0], tmp_path, str(files[1][0]), "--compiler", command) == 0
    (words,) = calls(tmp_path)
    assert words[-2:] == [f"{name}.tflite" for name in names]
    assert all((tmp_path / "out" / f"{name}_edgetpu.tflite").is_file() for name in names)


@pytest.mark.data
def test_segments_are_called_as_the_compiler_calls_them(tmp_path, pair):
    # no real segments are at hand: the stand-in gives the whole model out twice
    command = stand_in(tmp_path, "replay", [(pair[0], [*pair[1], str(pair[1][0])], pair[2])])
    assert compile_(pair[0], tmp_path, "--compiler", command, "--num-segments", "2") == 0
    names = [path.name for path in sorted((tmp_path / "out").glob("*.tflite"))]
    assert names == ["detect_segment_0_of_2_edgetpu.tflite", "detect_segment_1_of_2_edgetpu.tflite"]
    assert calls(tmp_path)[0][-3:] == ["--num_segments", "2", "detect.tflite"]


@pytest.mark.data
def test_a_wrapper_is_told_the_folder_that_it_works_in(tmp_path, pair):
    command = f"env -C {{folder}} {stand_in(tmp_path, 'replay', [pair])}"
    assert compile_(pair[0], tmp_path, "--compiler", command) == 0


def test_an_artifact_is_compiled_by_its_folder_or_its_model_and_keeps_its_contract(tmp_path, capsys):
    made = Model(tiny_int8_model(), "tflite", tiny_contract(), (step("made", input_sha256="0"),)).save(
        tmp_path / "int8"
    )
    for path in (tmp_path / "int8", made.model):
        assert compile_(path, tmp_path, "--compiler", "no-such-compiler") == 3
        assert str(made.model) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "status", "said"),
    [
        ("crash", 4, "the Edge TPU compiler died of signal 11; its last line: Internal compiler error. Aborting!"),
        ("silent", 4, "wrote no plain_edgetpu.tflite: it wrote nothing, and printed nothing"),
        ("talk", 4, "wrote no plain_edgetpu.tflite: it wrote nothing, though it reports success"),
        ("placeholder", 4, "is a placeholder that begins with 0xDEADBEEF"),
        ("folder", 4, "wrote plain_edgetpu.tflite, which is a folder, link or device: expected a file"),
        ("link", 4, "wrote plain_edgetpu.tflite, which is a folder, link or device: expected a file"),
        ("internal", 4, "failed with exit status 1: Internal compiler error. Aborting!"),
        ("refuse", 2, "the Edge TPU compiler refuses the model: ERROR: Didn't find op for builtin opcode 'CONV_2D'"),
    ],
)
def test_a_compiler_that_fails_leaves_one_line_its_status_and_nothing_else(tmp_path, plain, capsys, mode, status, said):
    assert compile_(plain, tmp_path, "--compiler", stand_in(tmp_path, mode), "--retries", "0") == status
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("detlite: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("mode", ["hang", "flood"])
def test_a_compiler_that_does_not_end_is_ended_in_time(tmp_path, plain, capsys, mode):
    begin = time.monotonic()
    assert compile_(plain, tmp_path, "--compiler", stand_in(tmp_path, mode), "--timeout", "1", "--retries", "0") == 4
    assert time.monotonic() - begin < 300  # it would go on for 600 s
    assert "the Edge TPU compiler took longer than 1 s and was stopped" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_a_crash_is_tried_again_with_a_smaller_step(tmp_path, pair):
    assert compile_(pair[0], tmp_path, "--compiler", stand_in(tmp_path, ["crash", "replay"], [pair])) == 0
    assert [words[words.index("--delegate_search_step") + 1] for words in calls(tmp_path)] == ["30", "15"]


def test_a_refusal_is_not_tried_again(tmp_path, plain):
    assert compile_(plain, tmp_path, "--compiler", stand_in(tmp_path, "refuse"), "--retries", "3") == 2
    assert len(calls(tmp_path)) == 1


def test_a_missing_compiler_says_what_to_install_which_file_waits_and_what_will_come_of_it(tmp_path, plain, capsys):
    assert compile_(plain, tmp_path, "--compiler", "no-such-compiler") == 3
    step, line = capsys.readouterr().err.splitlines()
    assert step == "step 1 of 3: predict what will be mapped"
    assert "the Edge TPU compiler 'no-such-compiler' was not found: install Google's edgetpu_compiler" in line
    assert f"{plain}: prediction: up to 3 of 3 operators on the Edge TPU" in line
    assert not (tmp_path / "out").exists()


def test_a_program_that_is_not_googles_compiler_is_not_used(tmp_path, plain, capsys):
    command = stand_in(tmp_path, "silent", banner="edgecompiler 0.1")
    assert compile_(plain, tmp_path, "--compiler", command) == 3
    assert (
        "--version printed 'edgecompiler 0.1', exit status 0: that is not Google's compiler" in capsys.readouterr().err
    )


def float_fed():
    model = GraphOf()
    image = model.tensor((1, 8, 8, 4), "float32", name="image")
    inner = model.op("QUANTIZE", [image], [model.tensor((1, 8, 8, 4), scale=0.01)])
    return model.bytes([image], [model.conv(inner, 4)])


def test_without_a_compiler_the_fixed_model_waits_in_the_folder(tmp_path, capsys):
    path = tmp_path / "fed.tflite"
    path.write_bytes(float_fed())
    assert compile_(path, tmp_path, "--fix", "float_input", "--compiler", "no-such-compiler") == 3
    assert f"{tmp_path / 'out' / 'fed.tflite'}: prediction: up to 2 of 2 operators" in capsys.readouterr().err
    assert sorted(item.name for item in (tmp_path / "out").iterdir()) == ["fed.tflite", "history.json"]


def bad(name):
    model = GraphOf()
    dtype = {"float": "float32", "int16": "int16"}.get(name, "int8")
    shape = (4, 8, 8, 4) if name == "batch" else (1, 8, 8, 4)
    image = model.tensor(shape, dtype, name="image", signature=(1, -1, -1, 4) if name == "dynamic" else None)
    return model.bytes([image], [model.op("RELU", [image], [model.tensor(shape, dtype)])])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("float", "Model not quantized"),
        ("int16", "Model not quantized"),
        ("dynamic", "only supports static-sized tensors"),
        ("batch", "no operator of 1 will run on the Edge TPU"),
    ],
)
def test_a_hopeless_model_is_refused_before_a_compiler_is_looked_for(tmp_path, capsys, name, said):
    path = tmp_path / "bad.tflite"
    path.write_bytes(bad(name))
    assert compile_(path, tmp_path, "--compiler", stand_in(tmp_path, "silent")) == 2
    _step, line = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "play.json.calls").exists()
    assert not (tmp_path / "out").exists()


def test_the_compiler_is_asked_all_the_same_where_a_user_insists(tmp_path, capsys):
    path = tmp_path / "bad.tflite"
    path.write_bytes(bad("batch"))
    command = stand_in(tmp_path, "silent")
    assert compile_(path, tmp_path, "--compiler", command, "--ignore-prediction", "--retries", "0") == 4
    assert len(calls(tmp_path)) == 1


@pytest.mark.data
def test_a_compiled_file_is_not_compiled_again(tmp_path, pair, capsys):
    assert compile_(pair[1][0], tmp_path) == 2
    assert "is already compiled for the Edge TPU" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"", b"\xde\xad\xbe\xef" + bytes(60), b"\x1c\x00\x00\x00TFL3" + bytes(50)])
def test_what_is_no_model_is_refused_in_one_line(tmp_path, data, capsys):
    path = tmp_path / "x.tflite"
    path.write_bytes(data)
    assert compile_(path, tmp_path) == 2
    assert [line.startswith("detlite: ") for line in capsys.readouterr().err.splitlines()[1:]] == [True]  # after step 1


def test_a_folder_that_holds_something_else_is_not_written_to(tmp_path, plain, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert compile_(plain, tmp_path) == 2
    assert "already contains mine.txt" in capsys.readouterr().err


@pytest.mark.parametrize("gate", ["unmapped", "unmaped>1", "unmapped>x", ">1"])
def test_a_gate_that_is_none_is_refused(tmp_path, plain, gate, capsys):
    assert compile_(plain, tmp_path, "--fail-on", gate) == 2
    assert "--fail-on" in capsys.readouterr().err
