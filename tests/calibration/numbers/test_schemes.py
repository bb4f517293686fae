"""Schemes that pack weights: what they write, that it runs, and how near it is."""

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.float_models import RELU6, FloatNet
from builders.open_files import edited

from detlite.accuracy.images import Images
from detlite.calibration.numbers.scheme import scheme_names
from detlite.calibration.numbers.schemes import dynamic, float16
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.model import Model
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import FindingError, InputError, UnknownNameError
from detlite.runtime.runners.interpreter import open_interpreter


def wide(channels=24):
    """A network of one convolution of 24 x 24 x 3 x 3 weights and a small head."""
    net = FloatNet((1, 8, 8, 3))
    first = net.conv(net.image, channels, activation=RELU6, name="first")
    middle = net.conv(first, channels, activation=RELU6, name="middle")
    return net.finish(net.conv(middle, 4, window=1, name="head"))


def run(data, tmp_path, image):
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    opened = open_interpreter(path)
    opened.set_input(opened.inputs[0]["index"], image)
    opened.invoke()
    return opened.output(opened.outputs[0]["index"]).copy()


@pytest.mark.parametrize(("scheme", "tolerance"), [(float16, 2e-3), (dynamic, 5e-2)])
def test_a_packed_model_returns_nearly_what_the_float_one_does(scheme, tolerance, tmp_path):
    image = np.random.default_rng(3).normal(size=(1, 8, 8, 3)).astype(np.float32)
    want = run(wide(), tmp_path, image)
    assert np.abs(run(edited(scheme.pack, wide()), tmp_path, image) - want).max() <= tolerance * np.abs(want).max()


def test_every_constant_of_float16_stands_behind_a_dequantize():
    facts = describe(edited(float16.pack, wide()), "float16")
    assert facts.quantization == "float16"
    assert facts.operators["DEQUANTIZE"] == 6  # weights and bias of three convolutions


def test_float16_takes_half_the_bytes():
    before, after = (describe(data, "a model").parameter_bytes for data in (wide(), edited(float16.pack, wide())))
    assert after == before // 2


def test_a_constant_beyond_float16_stays_float32():
    net = FloatNet((1, 8, 8, 3))
    huge = net.conv(net.image, 4, bias=np.array([0.0, 1.0, 2.0, 7e4]), name="huge")
    assert describe(edited(float16.pack, net.finish(huge)), "float16").operators["DEQUANTIZE"] == 1


def test_dynamic_range_leaves_small_weights_float():
    before, after = (describe(data, "a model").parameter_bytes for data in (wide(), edited(dynamic.pack, wide())))
    assert before - after == 3 * 24 * 24 * 9  # three bytes less for each weight of the middle one


def test_dynamic_range_of_small_layers_alone_is_refused():
    with pytest.raises(FindingError, match="nothing was quantized: no convolution or fully connected layer has 1024"):
        quantize(detector(), Images((), ""), Recipe(scheme="dynamic", io="float32"))


def test_a_float16_detector_needs_no_images_and_keeps_its_contract():
    source = detector()
    made = quantize(source, Images((), ""), Recipe(scheme="float16", io="float32")).model
    assert made.contract.image == source.contract.image
    assert made.history[-1]["scheme"] == "float16"


def test_packing_what_is_packed_adds_no_operator():
    recipe = Recipe(scheme="float16", io="float32")
    once = quantize(detector(), Images((), ""), recipe).model
    again = quantize(Model(once.data, "tflite", once.contract, ()), Images((), ""), recipe).model
    assert describe(again.data, "a model").operators == describe(once.data, "a model").operators


def test_an_int8_input_of_float16_weights_is_refused():
    with pytest.raises(InputError, match="the scheme float16 has float32 input and heads"):
        quantize(detector(), Images((), ""), Recipe(scheme="float16", io="int8"))


def test_float_operators_of_float16_weights_are_refused():
    with pytest.raises(InputError, match="without calibration: remove --float"):
        quantize(detector(), Images((), ""), Recipe(scheme="float16", io="float32", floating=("CONV_2D",)))


@pytest.mark.parametrize("scheme", scheme_names())
def test_the_same_images_give_the_same_bytes(scheme, tmp_path):
    images = Images(write_images(tmp_path, count=3), "made in a test")
    recipe = Recipe(scheme=scheme)
    one, other = (quantize(detector(width=40), images, recipe).model.data for _ in range(2))
    assert one == other


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UnknownNameError, match="int4"):
        quantize(detector(), Images((), ""), Recipe(scheme="int4"))
