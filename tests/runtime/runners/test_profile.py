"""Profiles by operator: LiteRT's own, and the difference of two."""

import pytest
from builders.tiny_tflite import tiny_contract, tiny_model

from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.measure.presets import Preset
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.run import measure_model
from detlite.runtime.runners.backend import Settings, Timed, backend_for
from detlite.runtime.runners.operator_bytes import bytes_of_delegated
from detlite.runtime.runners.profile import operator_times, profile_differences

TASK = "detlite.runtime.runners.profile:profile_process"


def asked(model, **changes):
    return {"model": str(model), "backend": "litert", "threads": 1, "xnnpack": None, "delegates": [], **changes}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(tiny_model())
    return path


def test_operators_have_their_share_and_their_number_among_their_like():
    records = operator_times([Timed("CONV", "CPU", 3.0), Timed("ADD", "CPU", 1.0), Timed("CONV", "CPU", 4.0)])
    assert [(one.operator, one.occurrence, one.share) for one in records] == [
        ("CONV", 1, 0.375),
        ("ADD", 1, 0.125),
        ("CONV", 2, 0.5),
    ]


def test_the_largest_difference_comes_first():
    before = operator_times([Timed("CONV", "CPU", 3.0), Timed("CONV", "CPU", 2.0), Timed("ADD", "CPU", 0.5)])
    after = operator_times([Timed("CONV", "XNNPACK", 1.0), Timed("CONV", "XNNPACK", 2.0), Timed("MUL", "CPU", 1.0)])
    assert [(one.operator, one.difference_ms) for one in profile_differences(before, after)] == [
        ("CONV", -2.0),
        ("MUL", 1.0),
        ("ADD", -0.5),
        ("CONV", 0.0),
    ]


def test_litert_tells_what_each_operator_takes(model):
    records = run_in_child(TASK, asked(model))["operators"]
    assert records
    assert sum(one["share"] for one in records) == pytest.approx(1) or not any(one["mean_ms"] for one in records)
    assert {one["place"] for one in records} <= {"XNNPACK", "interpreter"}


def test_the_bytes_of_an_operator_are_those_of_its_tensors(model):
    records = run_in_child(TASK, asked(model))["operators"]
    image, row, part = 6 * 8 * 4, 6 * 8 * 4, 6 * 4 * 4
    assert [one["size_bytes"] for one in records] == [image + row + 12, row + part + 36, row + part + 36]


def test_a_part_of_which_the_delegate_fused_operators_has_no_bytes():
    sizes = {0: 10, 1: 20, 2: 30, 3: 40}
    assert bytes_of_delegated(sizes, [(0, 1), (3,)], [0, 1, 0]) == [10, 20, 40]
    assert bytes_of_delegated(sizes, [(0, 1), (3,)], [0, 0]) == [None, 40]
    assert bytes_of_delegated(sizes, [(0, 1)], [0, 1, 0]) == [None] * 3


@pytest.mark.data
def test_the_operators_of_a_real_detector_take_as_long_as_the_whole(shared_data):
    model = shared_data / "models" / "blazeface" / "face_detection_front.tflite"
    preset = Preset(1, 1, {"single-stream": 60}, 0.0, 1)
    setup = Setup(model, None, "litert", Settings(), "single-stream", "check", preset)
    ratios = []
    for _ in range(5):  # whatever else runs may disturb either of the two processes
        records = run_in_child(TASK, asked(model))["operators"]
        assert len(records) == 89
        ratios.append(sum(one["mean_ms"] for one in records) / measure_model(setup).invoke.p50_ms)
        if 0.3 < ratios[-1] < 3:
            return
    pytest.fail(f"the operators take {ratios} times as long as the whole")


@pytest.mark.data
def test_outputs_without_a_shape_are_told(shared_data):
    model = shared_data / "models" / "ssdlite_mobilenet_v2_quant_edgetpu_pair" / "detect.tflite"
    with pytest.raises(DeviceError, match="it cannot run a model whose outputs have no fixed shape"):
        run_in_child(TASK, asked(model))


def test_a_measurement_holds_the_profile(model):
    preset = Preset(1, 1, {"single-stream": 40}, 0.0, 1, warm_up_s=0.0)
    setup = Setup(model, tiny_contract(), "litert", Settings(), "single-stream", "check", preset, profile=True)
    assert measure_model(setup).profile


def test_a_file_that_is_no_model_is_told(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(DeviceError, match="LiteRT's profiler: LiteRtCreateModelFromFile failed"):
        run_in_child(TASK, asked(path))


@pytest.mark.parametrize("changes", [{"threads": 2}, {"xnnpack": False}, {"delegates": ["gpu.so"]}])
def test_what_the_profiler_cannot_do_is_refused(model, changes):
    with pytest.raises(InputError, match="runs with one thread and XNNPACK"):
        run_in_child(TASK, asked(model, **changes))


def test_a_back_end_without_a_profiler_says_which_has_one(model):
    from detlite.runtime.measure.options import MeasureOptions, setup_of

    with pytest.raises(InputError, match="null has no profiler: use litert, onnx_runtime or tensorrt"):
        setup_of(model, None, MeasureOptions(backend="null", profile=True))
    assert backend_for(model, "litert")[1].profile is not None
