"""Equalization: channels of linear maps are scaled, and the float model computes the same."""

import numpy as np
import pytest
from builders.float_models import RELU6, FloatNet, images, run, snr_db

from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.ranges.observer import observe
from detlite.calibration.weights.calibrate import calibrate, finish
from detlite.calibration.weights.equalize import (
    channel_groups,
    factors_of,
    scaled_covariances,
    scaled_network,
    scaled_statistics,
)
from detlite.calibration.weights.method import METHODS
from detlite.calibration.weights.moments import WindowMoments
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")


def uneven_residual_net():
    """Return a residual block whose channels reach from 1 to 64 times the smallest one's values."""
    net = FloatNet()
    sizes = 4.0 ** np.arange(4)
    weights = net.chance.normal(0, 0.3, (4, 1, 1, 3)) * sizes[:, None, None, None]
    first = net.conv(net.image, 4, window=1, weights=weights, bias=np.zeros(4), name="first")
    reader = net.chance.normal(0, 0.5, (8, 1, 1, 4)) / sizes
    wide = net.depthwise(net.conv(first, 8, window=1, weights=reader, activation=RELU6, name="wide"), name="middle")
    back = net.chance.normal(0, 0.3, (4, 1, 1, 8)) * sizes[:, None, None, None]
    second = net.conv(wide, 4, window=1, weights=back, bias=np.zeros(4), name="second")
    total = net.add("ADD", [first, second], [net.shape(first)], "AddOptions", name="sum")[0]
    end = net.chance.normal(0, 0.5, (6, 3, 3, 4)) / sizes
    return net.finish(net.conv(total, 6, weights=end, name="end"))


def names_of(network, groups):
    return [[network.names[index] for index in group] for group in groups]


def scaled(data, samples):
    """Return the network of *data*, its factors, and what was observed of it, and of its layers."""
    network = Network(TfliteFile(data))
    groups, windows = channel_groups(network), WindowMoments(network)
    tensors = [index for group in groups for index in group]
    observed = observe(network, lambda: separate(samples), windows, by_image=tensors)
    return network, factors_of(groups, observed), observed, windows.covariances()


def test_what_additions_join_is_scaled_together_and_relu6_not_at_all():
    network = Network(TfliteFile(uneven_residual_net()))
    assert names_of(network, channel_groups(network)) == [["first", "second", "sum"], ["middle"]]


def test_outputs_and_what_a_reshape_reads_keep_their_channels():
    net = FloatNet()
    first = net.conv(net.image, 4, name="first")
    net.reshape(first, (1, 64, 4))
    second = net.conv(first, 4, name="second")
    network = Network(TfliteFile(net.finish(second)))
    assert channel_groups(network) == ()


def test_readers_with_groups_or_a_multiplier_keep_what_they_read():
    for weights in (np.ones((4, 3, 3, 2)), None):
        net = FloatNet()
        first = net.conv(net.image, 4)
        end = (
            net.depthwise(first, weights=np.ones((1, 3, 3, 8)))
            if weights is None
            else net.conv(first, 4, weights=weights)
        )
        assert channel_groups(Network(TfliteFile(net.finish(end)))) == ()


def test_an_addition_of_maps_of_two_sizes_is_left_alone():
    net = FloatNet()
    first = net.conv(net.image, 4)
    second = net.conv(net.image, 4, stride=8)
    total = net.add("ADD", [first, second], [net.shape(first)], "AddOptions")[0]
    assert channel_groups(Network(TfliteFile(net.finish(net.conv(total, 4))))) == ()


def test_factors_are_roots_of_what_channels_differ_by():
    network, factors, *_ = scaled(uneven_residual_net(), images())
    found = factors[network.names.index("first")]
    assert 4 < found[0] / found[3] < 16  # the channels differ by a factor of 64


def test_a_large_channel_becomes_smaller_and_a_small_one_larger():
    network, factors, _observed, _covariances = scaled(uneven_residual_net(), images())
    found = factors[network.names.index("first")]
    assert found[0] > 1.5
    assert found[3] < 0.75
    assert (found == factors[network.names.index("sum")]).all()


def test_the_scaled_network_computes_the_same_in_float():
    data, samples = uneven_residual_net(), images()
    network, factors, *_ = scaled(data, samples)
    found = run(scaled_network(network, factors).file.data, samples[0])[0]
    assert found == pytest.approx(run(data, samples[0])[0], abs=1e-4)


def test_statistics_are_scaled_to_those_of_the_scaled_network():
    samples = images(count=3)
    network, factors, observed, covariances = scaled(uneven_residual_net(), samples)
    again = scaled_network(network, factors)
    windows = WindowMoments(again)
    wanted = observe(again, lambda: separate(samples), windows)
    made = scaled_statistics(observed, factors)
    for index in network.activations:
        for name in ("lows", "highs", "channel_lows", "channel_highs", "means"):
            assert getattr(made, name)[index] == pytest.approx(getattr(wanted, name)[index], rel=1e-4, abs=1e-4)
    found = scaled_covariances(network, covariances, factors)
    for name, covariance in windows.covariances().items():
        assert found[name] == pytest.approx(covariance, rel=1e-3, abs=1e-3)


def test_uneven_channels_lose_less_when_they_are_equalized():
    data, samples = uneven_residual_net(), images()
    source = FloatModel(TfliteFile(data), INPUT, lambda: separate(samples))
    method = load_plugin(METHODS, "bias_correction")
    errors = []
    for equalizes in (False, True):
        calibrated = calibrate(source, equalizes=equalizes)
        made = finish(calibrated, method.parameters(calibrated)).file.data
        errors.append(snr_db(run(data, samples[0])[0], run(made, samples[0])[0]))
    assert errors[1] > errors[0] + 2


def test_ranges_are_the_float_models_own_and_give_the_same_bytes_again():
    data, samples = uneven_residual_net(), images()
    method = load_plugin(METHODS, "second_order")
    source = FloatModel(TfliteFile(data), INPUT, lambda: separate(samples))
    made = method.quantize(source)
    plain = load_plugin(METHODS, "nearest").quantize(source)
    assert made.ranges.to_json() == plain.ranges.to_json()
    again = method.quantize(FloatModel(TfliteFile(data), INPUT, lambda: separate(samples), ranges=made.ranges))
    assert again.file.data == made.file.data
    assert made.facts["equalized_tensors"] == 4
