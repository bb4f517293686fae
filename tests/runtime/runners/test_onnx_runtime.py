"""A real ONNX Runtime, on a model of a few bytes."""

import numpy as np
import pytest
from builders.scripted_runs import SMALL
from builders.tiny_onnx import tiny_onnx
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import ContractError, DeviceError, InputError, MissingToolError, UnknownNameError
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.runners.backend import Settings, backend_for
from detlite.runtime.runners.onnx_profiler import timed
from detlite.runtime.runners.onnx_runner import refuse_lost
from detlite.runtime.session import Session

pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_onnx())
    return path


def opened(model, **changes):
    name, backend = backend_for(model, None)
    assert name == "onnx_runtime"
    return backend.open(model, Settings(**changes), None)


def test_it_finds_what_litert_finds_in_the_same_model(model, tmp_path):
    (tmp_path / "model.tflite").write_bytes(tiny_model())
    contract, image = tiny_contract(), np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    want = Session(Artifact(tmp_path / "model.tflite", contract)).run(image)
    found = Session(Artifact(model, contract), runner=opened(model)).run(image)
    np.testing.assert_array_equal(found.boxes, want.boxes)
    np.testing.assert_array_equal(found.scores, want.scores)


def test_it_is_measured_and_profiled(model):
    setup = Setup(model, tiny_contract(), "onnx_runtime", Settings(), "single-stream", "small", SMALL, profile=True)
    record = measure_model(setup)
    assert (record.failure, record.samples > 0) == (None, True)
    assert record.runtime.startswith("onnxruntime 1.")
    assert [one.operator for one in record.profile] == ["Squeeze", "Split"]
    assert [one.size_bytes for one in record.profile] == [2 * 192 + 8, 2 * 192 + 16]
    assert {one.place for one in record.profile} == {"CPUExecutionProvider"}


def test_what_a_provider_took_is_counted(model):
    (placement,) = opened(model, delegates=("cpu",)).placements
    assert (placement.delegate, placement.taken, placement.operators) == ("CPUExecutionProvider", 3, 3)


def test_a_provider_that_cannot_be_loaded_is_refused_and_the_cpu_does_not_take_its_place():
    with pytest.raises(MissingToolError, match="1.22 has CUDAExecutionProvider, and cannot load what"):
        refuse_lost("onnxruntime 1.22", ["CUDAExecutionProvider"], ["CPUExecutionProvider"])
    refuse_lost("onnxruntime 1.22", ["CPUExecutionProvider"], ["CPUExecutionProvider"])


def test_a_provider_that_this_runtime_has_not_is_refused(model):
    with pytest.raises(UnknownNameError, match="no execution provider of this ONNX Runtime is called 'cuda'"):
        opened(model, delegates=("cuda",))


@pytest.mark.parametrize("data", [b"", b"no model", tiny_onnx()[:-40]])
def test_a_file_that_is_no_model_is_told(tmp_path, data):
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(InputError, match="onnxruntime .* cannot open"):
        opened(path)


def test_an_input_of_another_dtype_or_shape_is_refused(model):
    runner = opened(model)
    runner.set_input(0, np.zeros((1, 6, 8, 1), np.uint8))
    with pytest.raises(ContractError, match="does not accept the input image: want float32"):
        runner.invoke()
    runner.set_input(0, np.zeros((1, 7, 8, 1), np.float32))
    with pytest.raises((DeviceError, ContractError), match="onnxruntime"):
        runner.invoke()


def test_runs_that_are_not_alike_have_no_profile():
    node = {"cat": "Node", "name": "a_kernel_time", "dur": 3, "args": {"op_name": "Add", "provider": "CPU"}}
    (one,) = timed([node] * 60, 60)
    assert (one.mean_ms, one.size_bytes) == (0.003, None)
    with pytest.raises(DeviceError, match="lists different nodes from run to run"):
        timed([node] * 59 + [{**node, "name": "b_kernel_time"}], 60)


def test_a_model_that_is_not_quantized_has_no_scale(model):
    assert opened(model).inputs[0]["quantization"] == (0.0, 0)


@pytest.mark.parametrize(
    "event", [3, {"cat": "Node"}, {"cat": "Node", "name": 3}, {"cat": "Node", "name": "_kernel_time"}]
)
def test_a_damaged_trace_is_told(event):
    with pytest.raises(DeviceError, match="the trace of ONNX Runtime's profiler is damaged"):
        timed([event] * 60, 60)


@pytest.mark.parametrize("xnnpack", [True, False])
def test_litert_s_xnnpack_switch_is_refused(model, xnnpack):
    with pytest.raises(InputError, match="where ONNX Runtime has XNNPACK, use --delegate xnnpack"):
        opened(model, xnnpack=xnnpack)
