"""Models that are measured in turn: what is counted, and what is said of it."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from builders.scripted_runs import photos, scripted, tiny
from builders.tiny_onnx import tiny_onnx
from builders.tiny_tflite import tiny_contract

from detlite.runtime.clock import ScriptedClock
from detlite.runtime.errors import InputError
from detlite.runtime.measure.in_turn import WARM_UPS, Plan, against, measure_in_turn, take_turns
from detlite.runtime.measure.noise import feed_all, noise_inputs, noise_tensor
from detlite.runtime.measure.options import MeasureOptions, setup_of
from detlite.runtime.measure.results import Measurement


def fake_bench(name, log, clock=None, takes_ns=1000):
    """A model that writes down its name at each query, which takes *takes_ns* by its clock."""
    clock = clock or ScriptedClock()

    def server(write, _tell):
        def serve(query, _sample, scheduled_ns):
            log.append(name)
            clock.pass_ns(takes_ns)
            write(b"%d\n" % query)
            return clock.now_ns()

        return serve

    return SimpleNamespace(clock=clock, server=server)


def test_two_models_are_measured_in_turn():
    log, clock = [], ScriptedClock()
    take_turns([fake_bench("A", log, clock), fake_bench("B", log, clock)], Plan(samples=50, min_seconds=0))
    assert log[-100:] == ["A", "B"] * 50


def test_the_warm_up_does_not_count():
    log = []
    (table,) = take_turns([fake_bench("A", log)], Plan(samples=20, min_seconds=0))
    assert (len(table), len(log)) == (20, 20 + WARM_UPS)


def test_a_measurement_goes_on_until_its_time_is_over():
    (table,) = take_turns([fake_bench("A", [], takes_ns=1_000_000)], Plan(samples=1, min_seconds=0.5))
    assert len(table) == 500


def test_progress_ends_at_the_end():
    steps = []
    take_turns([fake_bench("A", [])], Plan(samples=20, min_seconds=0), progress=lambda *step: steps.append(step))
    assert steps[-1] == ("latency", 20, 20)


@pytest.mark.parametrize("plan", [{"samples": 0}, {"samples": 10**7}, {"min_seconds": -1.0}, {"min_seconds": math.nan}])
def test_a_plan_that_measures_nothing_or_for_ever_is_refused(plan):
    with pytest.raises(InputError, match="want 1 to 1000000, and at most a day"):
        Plan(**plan)


def test_noise_is_the_same_each_time():
    detail = {"name": "image", "shape": (1, 3, 4, 3), "dtype": np.uint8}
    np.testing.assert_array_equal(noise_tensor(detail, 0), noise_tensor(detail, 0))
    assert (noise_tensor(detail, 0).shape, noise_tensor(detail, 0).dtype) == ((1, 3, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        *((np.float32, -1, 1), (np.float16, -1, 1), (np.uint8, 0, 255), (np.int8, -128, 127), (np.int16, -128, 127)),
        *((np.int32, 0, 1), (np.int64, 0, 1), (np.uint32, 0, 1), (np.bool_, 0, 1)),
    ],
)
def test_noise_has_the_dtype_of_the_input_and_large_integers_are_indices_of_any_table(dtype, low, high):
    made = noise_tensor({"name": "x", "shape": (4000,), "dtype": dtype}, 0)
    assert made.dtype == dtype
    assert low <= made.min() < made.max() <= high


def test_an_input_of_strings_is_refused():
    with pytest.raises(InputError, match="the input 'text' takes object: a model is measured with numbers alone"):
        noise_tensor({"name": "text", "shape": (1,), "dtype": np.object_}, 0)


def test_an_input_that_leaves_its_size_open_is_refused():
    detail = {"name": "image", "shape": (1, 1, 1, 3), "dtype": np.float32, "shape_signature": (-1, -1, -1, 3)}
    with pytest.raises(
        InputError, match=r"'image' leaves its size open \(\? x \? x \? x 3\): convert the model with a"
    ):
        noise_tensor(detail, 0)


def test_every_input_of_a_model_without_a_contract_is_fed_each_time():
    fed = []
    runner = SimpleNamespace(
        inputs=[
            {"name": "a", "index": 4, "shape": (2,), "dtype": np.int64},
            {"name": "b", "index": 7, "shape": (3,), "dtype": np.float32},
        ],
        set_input=lambda index, tensor: fed.append((index, tensor.shape)),
    )
    feed_all(runner, noise_inputs(runner, 0))
    assert fed == [(4, (2,)), (7, (3,))]


def test_latency_is_the_query_and_invoke_the_interpreter(tmp_path):
    (found,) = measure_in_turn([tiny(tmp_path)], Plan(40, 0.0))
    samples = found.samples_ns[0]
    assert all(query > invoke for query, invoke in zip(samples.latency, samples.invoke, strict=True))
    assert (found.metric.name, found.metric.value) == ("latency_p50_ms", found.latency.p50_ms)
    assert found.latency.count == found.invoke.count == found.samples == 40


def test_each_stage_is_timed_and_those_of_the_image_apart(tmp_path):
    (found,) = measure_in_turn([replace(tiny(tmp_path), images=photos(tmp_path, 1))], Plan(40, 0.0))
    stages = found.stages_p50_ms
    assert all(getattr(stages, name) > 0 for name in ("decode", "preprocess", "input", "invoke", "postprocess"))


def test_it_is_no_run_of_a_scenario(tmp_path):
    first, second = measure_in_turn([tiny(tmp_path), tiny(tmp_path)], Plan(30, 0.0))
    assert (first.preset, first.protocol.models_in_turn, second.protocol.models_in_turn) == (None, 2, 2)
    assert first.processes[0].warm_up_samples == WARM_UPS


def test_too_few_samples_are_invalid(tmp_path):
    (found,) = measure_in_turn([tiny(tmp_path)], Plan(5, 0.0))
    assert found.validity == "INVALID because 5 samples are under 30"


def test_a_clock_that_falls_meanwhile_is_invalid(tmp_path):
    (found,) = measure_in_turn([scripted(tmp_path, invoke_ms=[2] * 31 + [3] * 200)], Plan(40, 0.0))
    assert found.validity.startswith("INVALID because throttling, or another program: process 1 became 1.50 times")


def test_the_ratio_is_of_the_medians_and_lies_in_its_interval(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    setups = [scripted(tmp_path / "a", invoke_ms=[2.0]), scripted(tmp_path / "b", invoke_ms=[4.0])]
    found = against(*measure_in_turn(setups, Plan(40, 0.0)))
    assert (found.against.invoke_p50_ratio, found.against.invoke_p50_ratio_interval) == (0.5, (0.5, 0.5))
    assert found.against.measurement.invoke.p50_ms == 4.0


def test_an_onnx_model_has_the_same_record(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_onnx())
    with_contract = setup_of(path, tiny_contract(), MeasureOptions())
    bare = setup_of(path, None, MeasureOptions())
    found, alone = measure_in_turn([with_contract, bare], Plan(30, 0.0))
    assert (found.backend, found.samples, alone.samples) == ("onnx_runtime", 30, 30)
    assert found.to_record().keys() == measure_in_turn([tiny(tmp_path)], Plan(30, 0.0))[0].to_record().keys()
    assert any("no contract" in text for text in alone.cautions)


def test_a_back_end_that_has_another_program_measure_is_refused(tmp_path):
    path = tmp_path / "times.json"
    path.write_text("[]")
    setup = setup_of(path, None, MeasureOptions(backend="tensorrt"))
    with pytest.raises(InputError, match="tensorrt measures with another program: pass --scenario single-stream"):
        measure_in_turn([setup], Plan(30, 0.0))


def test_a_record_of_two_models_is_read_again(tmp_path):
    found = against(*measure_in_turn([tiny(tmp_path), tiny(tmp_path)], Plan(30, 0.0)))
    assert Measurement.from_record(json.loads(json.dumps(found.to_record()))) == found
