"""Empirical bias correction: a model run operator by operator, and means that are right behind it."""

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.float_models import run

from detlite.accuracy.images import Images
from detlite.calibration.noise import stored_sample, tensor_noise
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.calibrate import calibrate, finish
from detlite.calibration.weights.empirical_bias import shrunk
from detlite.calibration.weights.methods import bias_correction, empirical_bias_correction
from detlite.calibration.weights.operator_runner import OperatorRunner
from detlite.runtime.errors import InputError


def calibrated_detector(tmp_path, **recipe):
    images = Images(write_images(tmp_path), "made in a test")
    return calibrate(float_model(detector(), images, Recipe(**recipe)))


def test_operators_in_turn_compute_what_the_whole_model_does(tmp_path):
    calibrated = calibrated_detector(tmp_path)
    made = finish(calibrated, bias_correction.parameters(calibrated))
    sample = stored_sample(calibrated.first[0], calibrated.source, made)
    steps = OperatorRunner(made.file, [sample])
    for operator in steps.operators:
        steps.run(operator)
    real = (sample.inputs[0].astype(np.float64) - made.image.quantization.zero_point) * made.image.quantization.scale
    for index, want in zip(steps.outputs, run(made.file.data, real), strict=True):
        assert np.allclose(steps.channel_means(index), [want.reshape(-1, want.shape[-1]).mean(axis=0)], atol=1e-6)


def test_a_bias_that_is_set_shifts_the_output_by_as_much(tmp_path):
    calibrated = calibrated_detector(tmp_path)
    parameters = bias_correction.parameters(calibrated)
    made = finish(calibrated, parameters)
    samples = [stored_sample(one, calibrated.source, made) for one in calibrated.first]
    means = []
    for shift in (0.0, 0.5):
        steps = OperatorRunner(made.file, samples)
        for operator in steps.operators:
            name = calibrated.network.operators[steps.operators.index(operator)].name
            if name == "boxes":
                steps.set_bias(operator.inputs[2], parameters.biases["boxes"] + shift)
            steps.run(operator)
            if name == "boxes":
                means.append(steps.channel_means(operator.outputs[0]))
                break
    assert np.allclose(means[1] - means[0], 0.5, atol=0.02)


def test_whole_channels_are_shifted_less_than_by_the_closed_form(tmp_path):
    calibrated = calibrated_detector(tmp_path)
    shifts = []
    for method in (bias_correction, empirical_bias_correction):
        made = finish(calibrated, method.parameters(calibrated))
        noise = tensor_noise(calibrated, made, calibrated.first)
        shifts.append(sum(noise[name].shift for name in ("features", "boxes", "classes")))
    assert shifts[1] < shifts[0]


def test_a_mean_that_may_be_chance_is_taken_for_none():
    assert shrunk(np.array([[3.0], [-1.0], [-2.0], [1.0]])).tolist() == [0.0]


def test_a_mean_without_spread_is_kept_whole():
    assert shrunk(np.full((4, 2), 0.25)).tolist() == [0.25, 0.25]


def test_one_sample_says_nothing_of_the_mean():
    assert shrunk(np.array([[5.0, -2.0]])).tolist() == [0.0, 0.0]


def test_layers_that_read_the_image_keep_what_the_closed_form_says(tmp_path):
    calibrated = calibrated_detector(tmp_path)
    closed, measured = (one.parameters(calibrated).biases for one in (bias_correction, empirical_bias_correction))
    assert (closed["first"] == measured["first"]).all()
    assert (closed["boxes"] != measured["boxes"]).any()


def test_an_operator_that_is_left_float_is_passed_over(tmp_path):
    calibrated = calibrated_detector(tmp_path, floating=("DEPTHWISE_CONV_2D",))
    closed, measured = (one.parameters(calibrated).biases for one in (bias_correction, empirical_bias_correction))
    assert (closed["differences"] == measured["differences"]).all()


def test_another_scheme_than_int8_is_refused(tmp_path):
    calibrated = calibrated_detector(tmp_path, scheme="int16x8")
    with pytest.raises(InputError, match="supports int8 models only: for --scheme int16x8 use the closed form"):
        empirical_bias_correction.parameters(calibrated)
