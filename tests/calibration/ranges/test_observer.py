"""What is seen of activations: extremes of each image, means of each channel."""

import numpy as np
import pytest
from builders.float_models import RELU6, FloatNet, images, run

from detlite.calibration.models import separate
from detlite.calibration.network import Network
from detlite.calibration.ranges.observer import observe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError


def network_of(*outputs_of):
    net = FloatNet()
    a = net.conv(net.image, 4, name="a", activation=RELU6)
    b = net.depthwise(a, name="b")
    return Network(TfliteFile(net.finish(a, b)))


def seen(network, samples, name):
    observed = observe(network, lambda: separate(samples))
    return observed, network.names.index(name)


def test_the_extremes_of_each_image_are_those_of_its_activations():
    network, samples = network_of(), images()
    observed, b = seen(network, samples, "b")
    values = [run(network.file.data, sample)[1] for sample in samples]
    assert observed.lows[b].tolist() == [value.min() for value in values]
    assert observed.highs[b].tolist() == [value.max() for value in values]


def test_the_means_are_those_of_each_channel():
    network, samples = network_of(), images()
    observed, b = seen(network, samples, "b")
    values = np.concatenate([run(network.file.data, sample)[1] for sample in samples])
    assert observed.means[b] == pytest.approx(values.mean(axis=(0, 1, 2)), rel=1e-4)


def test_the_extremes_of_a_channel_are_those_of_all_images():
    network, samples = network_of(), images()
    observed, a = seen(network, samples, "a")
    values = np.concatenate([run(network.file.data, sample)[0] for sample in samples])
    assert observed.channel_highs[a].tolist() == values.max(axis=(0, 1, 2)).tolist()


def test_the_image_is_observed_too():
    network, samples = network_of(), images()
    observed = observe(network, lambda: separate(samples))
    assert observed.lows[network.image].tolist() == [sample.min() for sample in samples]


def test_a_reshaped_tensor_holds_what_it_was_made_of():
    net = FloatNet()
    a = net.conv(net.image, 4, name="a")
    network = Network(TfliteFile(net.finish(net.reshape(a, (1, 256)))))
    observed = observe(network, lambda: separate(images()))
    assert observed.highs[network.outputs[0]].tolist() == observed.highs[a].tolist()


def test_no_image_is_refused():
    with pytest.raises(InputError, match="there are no images to calibrate with"):
        observe(network_of(), lambda: iter(()))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_named_with_their_tensor(value):
    samples = images()
    samples[2][0, 3, 3, 0] = value
    with pytest.raises(InputError, match="not finite in image, for image 3 of 4"):
        observe(network_of(), lambda: separate(samples))
