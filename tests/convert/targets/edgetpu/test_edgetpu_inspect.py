"""`detlite inspect --target edgetpu`, and of a compiled file: records, text, pictures, gates, exit statuses."""

import json
import xml.etree.ElementTree as ET

import pytest
from builders.edgetpu_models import Model, convolutions

from detlite.cli import main
from detlite.convert.targets.edgetpu.latency import ERROR_PERCENT
from detlite.convert.targets.edgetpu.predict import predict
from detlite.convert.targets.edgetpu.record import PredictionRecord, prediction_record

KEYS = {"index", "name", "mapped", "reason", "rule", "cure", "subgraph"}


@pytest.fixture
def mixed(tmp_path):
    """A model of a convolution, a hard-swish, and a convolution behind it."""
    model = Model()
    image = model.tensor((1, 8, 8, 4), name="image <1>")
    last = model.conv(model.unary("HARD_SWISH", model.conv(image, 4)), 4)
    path = tmp_path / "mixed.tflite"
    path.write_bytes(model.bytes([image], [last]))
    return path


def inspected(capsys, *arguments):
    status = main(["inspect", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_record_has_every_operator_in_file_order_and_says_that_it_is_a_prediction(mixed, capsys):
    status, record = inspected(capsys, mixed, "--target", "edgetpu")
    assert status == 0
    assert record["is_prediction"] is True
    assert [(op["index"], op["name"], op["mapped"]) for op in record["operators"]] == [
        (0, "CONV_2D", True),
        (1, "HARD_SWISH", False),
        (2, "CONV_2D", False),
    ]
    assert set(record["operators"][0]) == KEYS
    assert (record["subgraphs"], record["refusal"], record["unmapped_count"]) == (1, None, 2)
    assert set(record["latency_ms"]) == {"desktop_usb3", "raspberry_pi_4_usb3", "dev_board"}
    assert [fix["name"] for fix in record["fixes"]] == ["relu6_for_hard_swish"]


def test_a_latency_has_an_error_only_where_no_operator_is_missing_in_it(mixed, tmp_path, capsys):
    assert inspected(capsys, mixed, "--target", "edgetpu")[1]["latency_error_percent"] is None
    (tmp_path / "whole.tflite").write_bytes(convolutions())
    record = inspected(capsys, tmp_path / "whole.tflite", "--target", "edgetpu")[1]
    assert record["latency_error_percent"] == ERROR_PERCENT
    assert main(["inspect", str(tmp_path / "whole.tflite"), "--target", "edgetpu"]) == 0
    assert f" ms on a desktop with USB 3 (model, +-{ERROR_PERCENT} %), about " in capsys.readouterr().out


def test_a_prediction_comes_back_from_its_record(mixed):
    found = prediction_record(predict(mixed.read_bytes(), "mixed"))
    assert PredictionRecord.from_record(json.loads(json.dumps(found.to_record()))) == found


def test_several_subgraphs_are_predicted_when_asked(mixed, capsys):
    _status, record = inspected(capsys, mixed, "--target", "edgetpu", "--multiple-subgraphs")
    assert (record["subgraphs"], record["mapped_count"]) == (2, 2)


def test_text_ends_with_the_verdict(mixed, capsys):
    assert main(["inspect", str(mixed), "--target", "edgetpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["CONV_2D", "1", "Mapped", "to", "Edge", "TPU"]
    assert lines[-1].startswith(
        "mixed.tflite: prediction: up to 1 of 3 operators on the Edge TPU, 1 subgraph; without 2 operators on the CPU, "
        "whose time is not known: about 0."
    )
    assert "%" not in lines[-1]
    assert lines[-1].endswith("not measured")


def test_a_refusal_is_an_answer_and_fails_a_gate(tmp_path, capsys):
    model = Model()
    image = model.tensor((1, 8, 8, 4), "float32", name="image")
    out = model.op("RELU", [image], [model.tensor((1, 8, 8, 4), "float32")])
    path = tmp_path / "float.tflite"
    path.write_bytes(model.bytes([image], [out]))
    status, record = inspected(capsys, path, "--target", "edgetpu")
    assert (status, record["refusal"], record["subgraphs"]) == (0, "Model not quantized", 0)
    assert record["latency_ms"]["dev_board"] is None
    assert main(["inspect", str(path), "--target", "edgetpu", "--fail-on", "unmapped>0"]) == 1


@pytest.mark.parametrize(
    ("gate", "status"),
    [("unmapped>1", 1), ("unmapped>2", 0), ("subgraphs>1", 0), ("streamed>0", 0), ("mapped<2", 1), ("mapped >= 1", 1)],
)
def test_a_gate_ends_with_1_where_its_condition_holds(mixed, gate, status, capsys):
    assert main(["inspect", str(mixed), "--target", "edgetpu", "--fail-on", gate]) == status


def test_a_gate_without_a_target_is_refused(mixed, capsys):
    assert main(["inspect", str(mixed), "--fail-on", "unmapped>1"]) == 2
    assert "need --target edgetpu" in capsys.readouterr().err


def test_the_picture_has_a_coloured_box_for_each_operator_and_no_markup_of_the_model(mixed, tmp_path, capsys):
    page = tmp_path / "graph.html"
    assert main(["inspect", str(mixed), "--target", "edgetpu", "--picture", str(page)]) == 0
    text = page.read_text()
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    boxes = svg.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(boxes) == 3
    assert boxes[0].get("fill") != boxes[1].get("fill") == boxes[2].get("fill")
    assert "<script" not in text


def test_a_picture_is_not_written_into_a_folder_that_is_not_there(mixed, tmp_path, capsys):
    page = tmp_path / "none" / "graph.html"
    assert main(["inspect", str(mixed), "--target", "edgetpu", "--picture", str(page)]) == 2
    assert "cannot write " in capsys.readouterr().err


def test_a_graph_that_is_not_converted_yet_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "graph.pb").write_bytes(b"\x0a\x00" * 9)
    assert main(["inspect", str(tmp_path / "graph.pb"), "--target", "edgetpu"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_placeholder_is_named_with_and_without_a_target(tmp_path, capsys):
    path = tmp_path / "x_edgetpu.tflite"
    path.write_bytes(b"\xde\xad\xbe\xef" + bytes(64))
    for more in ([], ["--target", "edgetpu"]):
        assert main(["inspect", str(path), *more]) == 2
        assert "is a placeholder that begins with 0xDEADBEEF" in capsys.readouterr().err


def test_a_cpu_model_is_inspected_as_before(tmp_path, capsys):
    path = tmp_path / "plain.tflite"
    path.write_bytes(convolutions())
    status, record = inspected(capsys, path)
    assert (status, record["schema"], record["operators"]) == (0, "detlite.inspect", 3)


@pytest.mark.data
def test_a_compiled_file_is_read_field_by_field(shared_data, capsys):
    path = shared_data / "edgetpu" / "models" / "yamnet-504e652b_edgetpu.tflite"
    status, record = inspected(capsys, path)
    assert (status, record["valid"], record["findings"]) == (0, True, [])
    assert (record["cached_bytes"], record["dma_input_bytes"], record["dma_output_bytes"]) == (4_042_752, 6_144, 528)
    assert record["cpu_operators"] == ["QUANTIZE", "DEQUANTIZE"]
    (package,) = record["packages"]
    assert [item["type"] for item in package["executables"]] == ["EXECUTION_ONLY", "PARAMETER_CACHING"]
    assert package["executables"][0]["input_layers"][0]["name"] == "tfl.quantize"


@pytest.mark.data
def test_a_compiled_file_for_another_chip_is_a_finding(shared_data, tmp_path, capsys):
    data = (shared_data / "edgetpu" / "models" / "yamnet-504e652b_edgetpu.tflite").read_bytes()
    path = tmp_path / "x_edgetpu.tflite"
    path.write_bytes(data.replace(b"beagle", b"eagles"))
    status, record = inspected(capsys, path)
    assert (status, record["valid"]) == (1, False)


@pytest.mark.data
def test_a_compiled_file_is_not_predicted(shared_data, capsys):
    path = shared_data / "edgetpu" / "models" / "yamnet-504e652b_edgetpu.tflite"
    assert main(["inspect", str(path), "--target", "edgetpu"]) == 2
    assert "is already compiled for the Edge TPU: give the model that it was compiled from" in capsys.readouterr().err
