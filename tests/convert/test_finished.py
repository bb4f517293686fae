"""What a finished model's file says at a glance."""

import pytest
from builders.float_models import FloatNet
from builders.tiny_tflite import save_tiny, tiny_int8_model, tiny_model

from detlite.convert.finished import check_float, input_dtype
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.errors import InputError
from detlite.runtime.model_file import is_tflite


@pytest.mark.parametrize(("data", "dtype"), [(tiny_model(), "float32"), (tiny_int8_model(), "int8")])
def test_the_dtype_of_the_input_is_read_off_the_file(data, dtype):
    assert input_dtype(data) == dtype


def test_a_tflite_file_is_known_by_its_first_bytes(tmp_path):
    (tmp_path / "a").write_bytes(tiny_model())
    (tmp_path / "b").write_bytes(b"TFL3 is not where it belongs")
    assert is_tflite(tmp_path / "a")
    assert not is_tflite(tmp_path / "b")


def test_a_float_artifact_can_be_quantized(tmp_path):
    check_float(save_tiny(tmp_path / "float").model.parent)


def test_an_int8_file_cannot_be_quantized(tmp_path):
    (tmp_path / "int8.tflite").write_bytes(tiny_int8_model())
    with pytest.raises(InputError, match="the model's input is int8 already; give a float32 model to quantize"):
        check_float(tmp_path / "int8.tflite")


def test_a_float_stream_whose_first_input_is_a_counter_can_be_quantized(tmp_path):
    net = FloatNet((1, 2, 2, 1))
    count = net.tensor("count", (1,), "int32")
    model = load(net.finish(net.image), "made in a test")
    model.subgraphs[0].inputs = [count, net.image]
    (tmp_path / "stream.tflite").write_bytes(dump(model))
    check_float(tmp_path / "stream.tflite")


def test_a_cut_file_is_refused(tmp_path):
    (tmp_path / "cut.tflite").write_bytes(tiny_model()[:100])
    with pytest.raises(InputError, match="bytes at byte"):
        check_float(tmp_path / "cut.tflite")


def test_what_is_no_finished_model_is_left_to_the_readers(tmp_path):
    (tmp_path / "graph.pb").write_bytes(b"graph")
    check_float(tmp_path / "graph.pb")
    check_float(tmp_path)
