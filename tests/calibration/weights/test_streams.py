"""Streams in integers: states with one scale that pass bit for bit, and methods that see the states."""

from dataclasses import replace

import numpy as np
import pytest
from builders.conv_streams import BUFFER, COUNT, MEAN, conv_stream
from builders.stream_samples import FRAMES, frames, samples_of, stream_of

from detlite.calibration.models import FloatModel
from detlite.calibration.weights.calibrate import calibrate
from detlite.calibration.weights.method import METHODS
from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin


def given(model, **options):
    return FloatModel(
        model.file, model.contract.image, lambda: samples_of(model), states=model.contract.inputs[1:], **options
    )


def quantized(model, method="bias_correction", **options):
    made = load_plugin(METHODS, method).quantize(given(model, **options))
    contract = replace(model.contract, inputs=(made.image, *made.states))
    return replace(model, data=made.file.data, contract=contract)


@pytest.fixture(scope="module")
def int8():
    return quantized(conv_stream())


def details(model):
    opened = model.file.interpreter()
    return opened.inputs, opened.outputs


def test_the_input_and_the_output_of_a_buffer_have_one_scale(int8):
    inputs, outputs = details(int8)
    assert inputs[BUFFER]["dtype"] == np.int8
    assert inputs[BUFFER]["quantization"] == outputs[BUFFER]["quantization"]


def test_a_running_mean_and_a_count_stay_float(int8):
    inputs, outputs = details(int8)
    assert {one[place]["dtype"] for one in (inputs, outputs) for place in (MEAN, COUNT)} == {np.float32}


def test_frames_pass_through_a_buffer_bit_for_bit(int8):
    before = None
    for _states, outputs in stream_of(int8, frames(3, 6)):
        if before is not None:
            np.testing.assert_array_equal(outputs[BUFFER][:, 0], before[:, 1])
        before = outputs[BUFFER]


def test_an_empty_buffer_is_its_zero_point(int8):
    states, _outputs = next(stream_of(int8, frames(3, 1)))
    assert set(np.unique(states[0])) == {int8.contract.inputs[BUFFER].quantization.zero_point}


@pytest.mark.parametrize("method", ["nearest", "bias_correction", "second_order"])
def test_every_method_of_ours_keeps_near_the_float_stream_to_its_end(method):
    model = conv_stream()
    made = quantized(model, method)
    scale, zero = details(made)[1][0]["quantization"]
    pairs = list(zip(stream_of(model, frames(3, 100)), stream_of(made, frames(3, 100)), strict=True))
    noise = [np.square((got[0] - zero) * scale - want[0]).mean() for (_s, want), (_t, got) in pairs]
    signal = [np.square(want[0]).mean() for (_s, want), _got in pairs]
    for part in (slice(10), slice(80, 100)):
        assert 10 * np.log10(np.sum(signal[part]) / np.sum(noise[part])) > 25


def test_the_same_samples_give_the_same_bytes():
    assert quantized(conv_stream()).data == quantized(conv_stream()).data


def test_calibration_sees_the_states_of_a_stream_that_runs():
    model = conv_stream()
    calibrated = calibrate(given(model))
    count = calibrated.network.inputs[COUNT]
    assert calibrated.observed.highs[count].max() == FRAMES - 1


def test_a_stream_has_no_int16_form():
    with pytest.raises(InputError, match="int16x8 has no form of states: use --scheme int8"):
        calibrate(given(conv_stream(), scheme="int16x8"))


def test_a_shift_measured_in_frames_apart_is_refused():
    with pytest.raises(InputError, match="empirical bias correction measures frames apart"):
        quantized(conv_stream(), "empirical_bias_correction")


def test_the_converter_takes_no_states():
    with pytest.raises(InputError, match="--method converter rounds a state at every frame"):
        quantized(conv_stream(), "converter")
