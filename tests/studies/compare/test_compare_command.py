"""`detlite compare`: CPU and compiled files, and models that agree or do not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.edgetpu_models import Model as GraphOf
from builders.edgetpu_models import convolutions
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.cli import main
from detlite.convert.artifact import step
from detlite.convert.model import Model
from detlite.runtime.boxes.nms import Nms
from detlite.studies.compare.file_comparison import ModelComparison


def artifact(folder, contract=None, data=None):
    Model(data or tiny_model(), "tflite", contract or tiny_contract(), (step("made", input_sha256="0" * 64),)).save(
        folder
    )
    return folder


def compared(capsys, *arguments):
    """The exit status and the record of a comparison."""
    status = main(["compare", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_two_conversions_of_one_model_agree(tmp_path, capsys):
    status, record = compared(capsys, artifact(tmp_path / "a"), artifact(tmp_path / "b"))
    assert status == 0
    assert record["agree"] is True
    assert record["max_differences"] == {"box_encodings": 0.0, "class_scores": 0.0}
    assert record["tolerances"] == {"box_encodings": 1e-3, "class_scores": 1e-3}
    found = ModelComparison.from_record(record)
    assert {"schema": "detlite.compare", "schema_version": 1, **found.to_record(record["a"], record["b"])} == record


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.with_task(anchors=c.task.anchors + np.float32(0.01)), "anchors: up to 0.01 apart"),
        (lambda c: replace(c, labels=("class 0", "cat", "class 2")), "labels: class 1 is 'class 1' and 'cat'"),
        (lambda c: c.with_task(score_converter="SOFTMAX"), "score_converter: SIGMOID and SOFTMAX"),
    ],
)
def test_contracts_that_differ_do_not_agree(tmp_path, capsys, change, said):
    other = artifact(tmp_path / "b", change(tiny_contract()))
    status, record = compared(capsys, artifact(tmp_path / "a"), other)
    assert status == 1
    assert any(text.startswith(said) for text in record["findings"]), record["findings"]


def test_other_settings_of_suppression_are_told_and_do_not_count(tmp_path, capsys):
    other = artifact(tmp_path / "b", tiny_contract().with_task(nms=Nms(score_threshold=0.5)))
    status, record = compared(capsys, artifact(tmp_path / "a"), other)
    assert status == 0
    assert record["notes"][0] == "NMS settings differ: score_threshold 0.01 and 0.5"


def test_logits_and_scores_of_one_model_are_compared_as_scores(tmp_path, capsys):
    host = tiny_contract().with_task(score_converter_place="host")
    status, record = compared(capsys, artifact(tmp_path / "a", host), artifact(tmp_path / "b"))
    assert status == 1  # the model gives the same numbers, of which one contract says that they are logits
    assert record["findings"][0].startswith("class_scores: up to")
    assert record["max_differences"]["box_encodings"] == 0


def test_a_tolerance_is_taken_from_the_user(tmp_path, capsys):
    host = tiny_contract().with_task(score_converter_place="host")
    both = artifact(tmp_path / "a", host), artifact(tmp_path / "b")
    assert compared(capsys, *both, "--tolerance", "1e9")[0] == 0


def test_images_are_taken_from_the_user(tmp_path, capsys):
    folder = tmp_path / "photos"
    folder.mkdir()
    np.save(folder / "a.npy", np.zeros((8, 8, 3), np.uint8))
    status, record = compared(capsys, artifact(tmp_path / "a"), artifact(tmp_path / "b"), "--images", folder)
    assert (status, record["images"]) == (0, 1)


def test_models_of_other_sizes_are_not_run(tmp_path, capsys):
    other = artifact(tmp_path / "b", tiny_contract(anchors=7), tiny_model(anchors=7))
    status, record = compared(capsys, artifact(tmp_path / "a"), other)
    assert status == 1
    assert "max_differences" not in record


def test_models_without_contracts_are_compared_output_by_output(tmp_path, capsys):
    for name in "ab":
        (tmp_path / f"{name}.tflite").write_bytes(convolutions())
    (tmp_path / "c.tflite").write_bytes(convolutions(count=1))
    status, record = compared(capsys, tmp_path / "a.tflite", tmp_path / "b.tflite")
    assert (status, record["moved"]) == (0, {"to_chip": [], "to_cpu": [], "gone": [], "come": []})
    status, record = compared(capsys, tmp_path / "a.tflite", tmp_path / "c.tflite")
    assert status == 1


def test_operators_that_moved_are_named(tmp_path, capsys):
    for name, kind in (("old", "HARD_SWISH"), ("new", "RELU")):
        model = GraphOf()
        image = model.tensor((1, 4, 4, 4), name="image")
        inner = model.unary(kind, image)
        model.subgraph.tensors[inner].name = "inner"
        (tmp_path / f"{name}.tflite").write_bytes(model.bytes([image], [model.conv(inner, 4)]))
    _status, record = compared(capsys, tmp_path / "old.tflite", tmp_path / "new.tflite")
    moved = record["moved"]
    assert moved["gone"] == ["0 HARD_SWISH (CPU)"]
    assert moved["come"] == ["0 RELU (Edge TPU)"]


@pytest.mark.parametrize("name", ["graph.pb", "missing.tflite", "empty.tflite"])
def test_what_is_no_finished_model_is_refused_in_one_line(tmp_path, capsys, name):
    (tmp_path / "graph.pb").write_bytes(b"\x0a\x00" * 8)
    (tmp_path / "empty.tflite").write_bytes(b"")
    assert main(["compare", str(tmp_path / name), str(tmp_path / name)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.data
def test_a_cpu_model_and_its_compiled_twin_belong_together_in_either_order(shared_data, capsys):
    folder = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair"
    both = folder / "detect.tflite", folder / "detect_edgetpu.tflite"
    for order in (both, both[::-1]):
        status, record = compared(capsys, *order)
        assert (status, record["agree"]) == (0, True)
        assert [op["name"] for op in record["operators"] if not op["mapped"]] == ["TFLite_Detection_PostProcess"]


@pytest.mark.data
def test_a_compiled_file_of_another_model_does_not_belong(shared_data, capsys):
    pair = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair" / "detect_edgetpu.tflite"
    other = shared_data / "edgetpu" / "models" / "yamnet-504e652b.tflite"
    status, record = compared(capsys, other, pair)
    assert (status, record["agree"]) == (1, False)


@pytest.mark.data
def test_two_compiled_files_are_told_apart(shared_data, capsys):
    models = shared_data / "edgetpu" / "models"
    both = [models / f"mobilenet_v1_0.25-{name}_edgetpu.tflite" for name in ("032d30d8", "1cdbca8d")]
    assert compared(capsys, both[0], both[0])[0] == 0
    status, record = compared(capsys, *both)
    assert status == 1
    assert "cached_bytes: 566912 and 518656" in record["findings"]
