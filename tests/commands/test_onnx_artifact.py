"""An artifact whose model is ONNX goes through every command that a TFLite one does."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from builders.tiny_onnx import tiny_onnx
from builders.tiny_tflite import save_tiny, tiny_contract
from PIL import Image

from detlite.cli import main
from detlite.convert.artifact import step
from detlite.convert.model import Model

pytest.importorskip("onnxruntime")


@pytest.fixture
def artifact(tmp_path):
    done = step("export", input_sha256="0" * 64)
    return Model(tiny_onnx(), "onnx", tiny_contract(), (done,)).save(tmp_path / "onnx").model.parent


@pytest.fixture
def twin(tmp_path):
    """The same detector as TFLite."""
    return save_tiny(tmp_path / "tflite").model.parent


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 3, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def answered(capsys, *arguments):
    """The exit status and the record of a command."""
    status = main([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_it_is_a_folder_with_model_onnx(artifact):
    assert sorted(path.name for path in artifact.iterdir()) == [
        "contract.json",
        "history.json",
        "labels.txt",
        "model.onnx",
    ]


def test_it_is_inspected(capsys, artifact):
    status, record = answered(capsys, "inspect", artifact)
    assert (status, record["is"], record["anchors"]) == (0, "a detector with raw heads, onnx", 6)
    assert record["history"][0]["step"] == "export"


def test_a_bare_file_is_inspected_for_its_inputs_and_outputs(capsys, tmp_path):
    (tmp_path / "bare.onnx").write_bytes(tiny_onnx())
    status, record = answered(capsys, "inspect", tmp_path / "bare.onnx")
    assert (status, record["format"], record["is"]) == (0, "ONNX model", "an ONNX model without a contract")
    assert record["inputs"] == [["image", "float32", [1, 6, 8, 1]]]
    assert [shape for _name, _dtype, shape in record["outputs"]] == [[1, 6, 4], [1, 6, 4]]
    assert (record["operators"], record["operator_names"]) == (3, {"Slice": 2, "Squeeze": 1})
    assert (record["parameter_bytes"], record["opset"]) == (40, 13)
    assert [use.split(":")[0] for use in record["next"]] == ["measure it", "convert it"]
    assert "give the folder that detlite wrote, with its contract.json" in record["missing"][0]


def test_the_text_on_a_bare_file_has_its_tensors(capsys, tmp_path):
    (tmp_path / "bare.onnx").write_bytes(tiny_onnx())
    assert main(["inspect", str(tmp_path / "bare.onnx")]) == 0
    assert "input image" in capsys.readouterr().out


def test_a_damaged_bare_file_is_refused_in_one_line(capsys, tmp_path):
    (tmp_path / "bare.onnx").write_bytes(b"no model")
    assert main(["inspect", str(tmp_path / "bare.onnx")]) == 2
    assert "bare.onnx: the ONNX model is damaged at byte" in capsys.readouterr().err


def test_it_is_measured_side_by_side_with_its_twin(capsys, artifact, twin):
    status, record = answered(capsys, "measure", artifact, "--against", twin, "--samples", 30, "--min-seconds", 0)
    assert (status, record["runtime"].split()[0]) == (0, "onnxruntime")
    assert record["model"].endswith("model.onnx")


def test_it_is_measured_by_scenario(capsys, artifact, photos):
    short = ("--processes", 1, "--queries", 40, "--min-seconds", 0)
    status, record = answered(capsys, "measure", artifact, "--scenario", "single-stream", "--images", photos, *short)
    assert (status, record["failure"]) == (0, None)
    assert record["protocol"]["backend"] == "onnx_runtime"


def test_it_agrees_with_its_twin_on_images(capsys, artifact, twin, photos):
    status, record = answered(capsys, "compare", artifact, twin, "--images", photos)
    assert (status, record["agree"]) == (0, True)
    assert record["max_differences"] == {"box_encodings": 0.0, "class_scores": 0.0}


def test_its_fidelity_to_its_twin_is_whole(capsys, artifact, twin, photos):
    status, record = answered(capsys, "evaluate", artifact, "--images", photos, "--against", twin)
    assert status == 0
    assert record["fidelity"] == pytest.approx(100.0)


def test_a_board_runs_it(tmp_path, artifact, twin, photos):
    found = []
    for folder in (artifact, twin):
        program = tmp_path / f"{folder.name}.pyz"
        assert main(["package", str(folder), "--runtime", "--images", str(photos), "-o", str(program)]) == 0
        command = [sys.executable, "-I", str(program)]
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        for words in (["selftest"], ["measure", "--processes", "1", "--queries", "40", "--min-seconds", "0"]):
            subprocess.run([*command, *words], check=True, capture_output=True, timeout=120, env=environment)
        ran = subprocess.run(
            [*command, "detect", "--json"], check=True, capture_output=True, timeout=120, env=environment
        )
        found.append(json.loads(ran.stdout))
    assert found[0]["runtime"].startswith("onnxruntime ")
    assert [one["image"] for one in found[0]["images"]] == ["0.png", "1.png", "2.png"]
    assert found[0]["images"] == found[1]["images"]


@pytest.mark.parametrize(
    ("words", "need"),
    [
        (("quantize", "--images", "{photos}"), "model.onnx is not a TFLite model; expected a float32 one"),
        (("convert",), "converting or quantizing needs a TFLite model, but this artifact has model.onnx"),
        (("postprocess", "--add"), "detlite postprocess needs a TFLite model, but this artifact has model.onnx"),
    ],
)
def test_what_edits_a_tflite_file_refuses_it(capsys, tmp_path, artifact, photos, words, need):
    command, *options = (word.format(photos=photos) for word in words)
    assert main([command, str(artifact), *options, "-o", str(tmp_path / "out")]) == 2
    assert need in capsys.readouterr().err


def test_an_onnx_file_without_a_contract_is_refused_where_one_is_needed(capsys, tmp_path, artifact, photos, twin):
    bare = tmp_path / "bare.onnx"
    bare.write_bytes((artifact / "model.onnx").read_bytes())
    assert main(["evaluate", str(bare), "--images", str(photos), "--against", str(twin)]) == 2
    assert "bare.onnx has no contract.json beside it" in capsys.readouterr().err


def test_a_folder_with_two_models_is_refused(capsys, artifact, twin):
    (artifact / "model.tflite").write_bytes((twin / "model.tflite").read_bytes())
    assert main(["inspect", str(artifact)]) == 2
    assert "holds model.tflite and model.onnx: an artifact has one model" in capsys.readouterr().err
