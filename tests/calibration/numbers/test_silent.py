"""A layer that says nothing during calibration leaves a model that XNNPACK opens."""

import numpy as np
from builders.float_models import RELU, FloatNet, images, run
from builders.operator_cases import quantized

from detlite.calibration.network import Network
from detlite.calibration.numbers.silent import widen_silent
from detlite.calibration.ranges.ranges import Range
from detlite.convert.tflite.open_file import TfliteFile


def silent_layer():
    net = FloatNet()
    x = net.conv(
        net.image, 4, window=1, weights=np.ones((4, 1, 1, 3)), bias=np.full(4, -50.0), activation=RELU, name="off"
    )
    return net.finish(net.conv(x, 2, bias=np.array([1.0, -2.0])))


def test_a_model_with_a_silent_layer_opens_and_says_what_it_did():
    data, samples = silent_layer(), images()
    np.testing.assert_allclose(run(quantized(data, samples), samples[0])[0][0, 4, 4], [1.0, -2.0], atol=0.02)


def test_the_range_of_a_silent_layer_is_one_of_its_products_wide_and_other_ranges_stay():
    network = Network(TfliteFile(silent_layer()))
    ranges = {name: Range(-1.0, 1.0) for name in network.names} | {"off": Range(0.0, 0.0)}
    found = widen_silent(network, ranges)
    assert found.pop("off") == Range(0.0, 2.0 / 127)
    assert all(found[name] == ranges[name] for name in found)
