"""Bias correction: the mean output of a layer with rounded weights becomes that of the float one."""

from dataclasses import replace

import numpy as np
import pytest
from builders.float_models import FloatNet, images, run, snr_db

from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import Kernel, LayerParameters, layers
from detlite.calibration.weights.bias import correct_biases, output_shift
from detlite.calibration.weights.methods import bias_correction, nearest
from detlite.calibration.weights.padding import tap_shares
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.inputs import ImageInput

WHOLE = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")


def one_layer(window=1, **settings):
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2, window=window, **settings))))
    return network, next(iter(layers(network)))


def test_the_bias_takes_off_what_rounding_adds_on_average():
    network, layer = one_layer(weights=np.full((2, 1, 1, 3), 0.5), bias=(1.0, 2.0))
    kernel = Kernel(np.ones((2, 1, 1, 3), np.int8), np.float32([0.25, 0.75]), 0)
    parameters = LayerParameters({layer.operator.name: kernel}, {layer.operator.name: layer.bias})
    fixed = correct_biases(network, parameters, {network.image: np.array([1.0, 2.0, 4.0])})
    assert fixed.biases[layer.operator.name].tolist() == [1.0 + 0.25 * 7, 2.0 - 0.25 * 7]


def test_a_depthwise_layer_is_corrected_channel_by_channel():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.depthwise(net.image, window=1))))
    layer = next(iter(layers(network)))
    shift = output_shift(network, layer, np.full((1, 1, 1, 3), 2.0), np.array([1.0, 2.0, 4.0]))
    assert shift.tolist() == [2.0, 4.0, 8.0]


def test_taps_that_always_lie_on_padding_count_for_nothing():
    net = FloatNet(shape=(1, 1, 1, 3))
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2))))
    shares = tap_shares(network, next(iter(layers(network))))
    assert shares.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_taps_at_the_border_lie_on_the_image_in_seven_of_eight_rows():
    network, layer = one_layer(window=3)
    assert tap_shares(network, layer)[0, 1] == pytest.approx(7 / 8)


def test_difference_filters_gain_over_a_decibel():
    """The first depthwise convolution of SSDLite MobileNet V2 in small: taps that cancel, over a large mean."""
    net = FloatNet()
    chance = np.random.default_rng(3)
    first = net.conv(net.image, 8, window=1, weights=chance.normal(0, 0.1, (8, 1, 1, 3)), bias=np.full(8, 3.0))
    taps = chance.normal(0, 3.0, (1, 3, 3, 8))
    network = net.finish(net.depthwise(first, weights=taps - taps.mean(axis=(1, 2), keepdims=True)))
    samples = images()
    source = FloatModel(TfliteFile(network), WHOLE, lambda: separate(samples), estimator="min_max")
    want = run(network, samples[0])[0][:, 1:-1, 1:-1]
    plain, fixed = (
        snr_db(want, run(method.PLUGIN.quantize(source).file.data, samples[0])[0][:, 1:-1, 1:-1])
        for method in (nearest, bias_correction)
    )
    assert fixed > plain + 1


def test_the_same_images_give_the_same_bytes():
    net = FloatNet()
    data = net.finish(net.depthwise(net.conv(net.image, 4)))
    source = FloatModel(TfliteFile(data), WHOLE, lambda: separate(images()))
    assert bias_correction.PLUGIN.quantize(source).file.data == bias_correction.PLUGIN.quantize(source).file.data


def test_a_mean_of_half_a_pixel_becomes_a_whole_one_without_a_shift_of_the_output():
    net = FloatNet()
    data = net.finish(net.conv(net.image, 4, window=1))
    half = replace(WHOLE, mean=(127.5,) * 3, std=(127.5,) * 3)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8, 3))
    samples = [((one - 127.5) / 127.5).astype(np.float32) for one in pixels]
    made = bias_correction.PLUGIN.quantize(
        FloatModel(TfliteFile(data), half, lambda: separate(samples), estimator="min_max")
    )
    assert made.image.mean == (127.0,) * 3
    assert (made.image.quantization.zero_point, made.image.quantization.scale) == (-1, np.float32(1 / 127.5))
    got = run(made.file.data, (pixels[0] - 127) / 127.5)[0]
    assert abs((got - run(data, samples[0])[0]).mean()) < 1e-3


def half_pixel(net, output, **settings):
    """The mean error inside the border, by channel, of the model of *output* quantized for a mean of 127.5."""
    data = net.finish(output)
    half = replace(WHOLE, mean=(127.5,) * 3, std=(127.5,) * 3)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8, 3))
    samples = [((one - 127.5) / 127.5).astype(np.float32) for one in pixels]
    source = FloatModel(TfliteFile(data), half, lambda: separate(samples), estimator="min_max", **settings)
    made = bias_correction.PLUGIN.quantize(source)
    assert made.image.mean == (127.0,) * 3
    errors = run(made.file.data, (pixels[0] - 127) / 127.5)[0] - run(data, samples[0])[0]
    return abs(errors[:, 1:-1, 1:-1].mean(axis=(0, 1, 2)))


WEIGHTS = np.full((4, 1, 1, 3), 2.0)
STEP = 3 * 2.0 * 0.5 / 127.5  # what half a step of the input adds to each output of a layer with these weights


def first_layer(net, kind):
    if kind == "CONV_2D":
        return net.conv(net.image, 4, window=1, weights=WEIGHTS, name="first")
    return net.depthwise(net.image, window=1, weights=np.full((1, 1, 1, 3), 6.0), name="first")


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_a_first_layer_that_stays_float_is_not_off_by_the_half_step_of_the_input(kind):
    net = FloatNet()
    assert half_pixel(net, first_layer(net, kind), floating=("first",)).max() < STEP / 4


@pytest.mark.parametrize("floating", [("first",), ("first", "pad")])
def test_a_float_layer_after_a_pad_is_not_off_either(floating):
    net = FloatNet()
    padding = net.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]]))
    (padded,) = net.add("PAD", [net.image, padding], [(1, 10, 10, 3)], "PadOptions", name="pad")
    output = net.conv(padded, 4, window=1, weights=WEIGHTS, name="first")
    assert half_pixel(net, output, floating=floating).max() < STEP / 4


def test_a_float_first_layer_without_a_bias_gets_one():
    net = FloatNet()
    weights = net.constant(np.full((4, 192), 2.0, np.float32))
    (output,) = net.add("FULLY_CONNECTED", [net.image, weights], [(1, 4)], "FullyConnectedOptions", name="first")
    data = net.finish(output)
    half = replace(WHOLE, mean=(127.5,) * 3, std=(127.5,) * 3)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8, 3))
    samples = [((one - 127.5) / 127.5).astype(np.float32) for one in pixels]
    source = FloatModel(TfliteFile(data), half, lambda: separate(samples), estimator="min_max", floating=("first",))
    made = bias_correction.PLUGIN.quantize(source)
    (operator,) = [one for one in made.file.subgraph.operators if len(one.inputs) == 3]
    bias = made.file.model.buffers[made.file.subgraph.tensors[operator.inputs[2]].buffer].data
    np.testing.assert_allclose(np.frombuffer(bytes(bias), np.float32), -192 * 2.0 * 0.5 / 127.5, rtol=1e-6)
