"""Models with several inputs as ONNX: states and banks keep their names, and ONNX Runtime is fed with them."""

import numpy as np
import pytest
from builders.tiny_streams import bank_reader, running_sum

from detlite.convert.exporter import NO_OPTIONS, exporter_called
from detlite.convert.model import session_of
from detlite.convert.onnx.metadata import contract_in

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def grey(value):
    return np.full((4, 4, 3), value, np.uint8)


def exported(model):
    return exporter_called("onnx").from_tflite(model, NO_OPTIONS)


def names(tensors):
    return [tensor.name for tensor in tensors]


def test_inputs_and_outputs_are_named_as_in_the_contract():
    graph = onnx.load_from_string(exported(bank_reader()).data).graph
    assert (names(graph.input), names(graph.output)) == (["image", "features", "features_count"], ["class_scores"])
    assert [one.type.tensor_type.elem_type for one in graph.input] == [onnx.TensorProto.FLOAT] * 2 + [
        onnx.TensorProto.INT32
    ]


def test_a_state_and_the_output_that_becomes_it_have_two_names():
    graph = onnx.load_from_string(exported(running_sum()).data).graph
    assert (names(graph.input), names(graph.output)) == (["image", "sum"], ["class_scores", "sum_next"])


@pytest.mark.parametrize("make", [bank_reader, running_sum])
def test_the_contract_in_the_file_has_the_further_inputs(make, tmp_path):
    model, made = make(), exported(make())
    (tmp_path / "model.onnx").write_bytes(made.data)
    assert contract_in(tmp_path / "model.onnx").inputs[1:] == model.contract.inputs[1:]
    assert made.contract.inputs[1:] == model.contract.inputs[1:]


def test_a_bank_is_read_in_onnx_runtime():
    session = session_of(exported(bank_reader()))
    session.remember(np.array([[1, 2], [3, 4]], np.float32))
    assert session.run(grey(0)).scores.tolist() == [4, 6]


def test_a_state_is_carried_in_onnx_runtime():
    session = session_of(exported(running_sum()))
    assert [round(float(session.step(grey(value)).scores[0])) for value in (10, 20, 30)] == [10, 30, 60]
