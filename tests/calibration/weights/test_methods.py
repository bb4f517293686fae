"""Quantization methods: every one there is makes an int8 model that computes what the float one does."""

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.float_models import FloatNet, images, run, snr_db

from detlite.accuracy.images import Images
from detlite.calibration.models import FloatModel, separate
from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters, layers, rounded
from detlite.calibration.quantize import float_model
from detlite.calibration.ranges.observer import observe
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.method import METHODS
from detlite.calibration.weights.moments import WindowMoments
from detlite.calibration.weights.second_order import round_by_covariance
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.inputs import ImageInput
from detlite.runtime.plugins import load_plugin, plugin_names
from detlite.studies.search.trials import Trials

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")
OWN = [name for name in plugin_names(METHODS) if load_plugin(METHODS, name).parameters is not None]


@pytest.mark.parametrize("name", plugin_names(METHODS))
def test_a_method_makes_an_int8_model(name):
    net = FloatNet()
    data = net.finish(net.conv(net.depthwise(net.image), 4))
    samples = images()
    made = load_plugin(METHODS, name).quantize(FloatModel(TfliteFile(data), INPUT, lambda: separate(samples)))
    assert describe(made.file.data, "made").quantization == "int8"
    assert snr_db(run(data, samples[0])[0], run(made.file.data, samples[0])[0]) > 25


@pytest.mark.parametrize("name", [name for name in OWN if name != "nearest"])
def test_a_repair_is_better_than_none(name, tmp_path):
    given = Images(write_images(tmp_path), "made in a test")
    model = detector()
    plain, repaired = (Trials(model, float_model(model, given, Recipe()), one) for one in ("nearest", name))
    assert repaired.error(repaired.model()).db > plain.error(plain.model()).db + 1


def covariances(network, samples):
    windows = WindowMoments(network)
    observe(network, lambda: separate(samples), windows)
    return windows.covariances()


def test_covariances_are_those_of_what_lies_under_the_window():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2, window=1, name="a"))))
    samples = images(count=3)
    found = covariances(network, samples)["a"]
    rows = np.concatenate(samples).reshape(-1, 3)
    assert found == pytest.approx(np.cov(rows.T, bias=True), abs=1e-5)


def test_covariances_of_a_depthwise_layer_are_one_for_each_channel():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.depthwise(net.image, name="a"))))
    assert covariances(network, images())["a"].shape == (3, 9, 9)


def test_windows_of_a_stride_read_zeros_beyond_the_edge():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.depthwise(net.image, stride=2, name="a"))))
    samples = images(count=2)
    taps = np.concatenate([np.pad(one[0], ((0, 1), (0, 1), (0, 0)))[2::2, 0:-1:2] for one in samples]).reshape(-1, 3)
    found = covariances(network, samples)["a"]
    assert found[:, 6, 6] == pytest.approx(taps.var(axis=0), rel=1e-4)  # the first tap of the third row
    assert found == pytest.approx(found.transpose(0, 2, 1))


def test_small_maps_take_more_images_than_large_ones():
    net = FloatNet((1, 300, 300, 3))
    small = net.conv(net.conv(net.image, 4, stride=2), 4, stride=2, name="small")
    network = Network(TfliteFile(net.finish(net.conv(small, 2, window=1, stride=4))))
    assert [one.image_count for one in WindowMoments(network)._layers] == [16, 32, 126]


def test_weights_of_inputs_that_vary_together_make_up_for_each_other():
    """Two inputs that are always the same: weights 0.4 and 0.4 become 1 and 0, and not 0 and 0."""
    net = FloatNet((1, 8, 8, 2))
    network = Network(
        TfliteFile(net.finish(net.conv(net.image, 1, window=1, weights=np.full((1, 1, 1, 2), 0.4), name="a")))
    )
    layer = next(iter(layers(network)))
    kernel = rounded(layer.weights, np.ones(1, np.float32), 0)
    parameters = LayerParameters({"a": kernel}, {"a": layer.bias})
    made = round_by_covariance(network, parameters, {"a": np.ones((2, 2))})
    assert kernel.values.ravel().tolist() == [0, 0]
    assert sorted(made.kernels["a"].values.ravel().tolist()) == [0, 1]


def test_layers_of_up_to_1024_taps_are_sampled():
    counts = []
    for channels in (1024, 1025):
        net = FloatNet((1, 8, 8, channels))
        data = net.finish(net.conv(net.image, 2, window=1, name="a"))
        counts.append(len(WindowMoments(Network(TfliteFile(data))).tensors))
    assert counts == [1, 0]


def best_one_after_another(weights, covariance):
    """Return *weights* rounded tap by tap, the most variable first; those left are the best for what was rounded."""
    damped = covariance + np.eye(len(covariance)) * (0.01 * np.diagonal(covariance).mean())
    left, wanted, codes = list(np.argsort(-np.diagonal(covariance))), weights.copy(), np.empty_like(weights)
    while left:
        first, *others = left
        codes[:, first] = np.rint(wanted[:, first])
        errors = weights - codes
        done = [tap for tap in range(len(covariance)) if tap not in others]
        pull = damped[np.ix_(done, others)] @ np.linalg.inv(damped[np.ix_(others, others)])
        wanted[:, others] = weights[:, others] + errors[:, done] @ pull
        left = others
    return codes


def test_many_taps_are_rounded_as_if_each_had_the_best_of_those_left():
    net, chance = FloatNet((1, 8, 8, 70)), np.random.default_rng(0)
    weights = chance.normal(0, 3, (2, 1, 1, 70))
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2, window=1, weights=weights, name="a"))))
    layer = next(iter(layers(network)))
    parameters = LayerParameters({"a": rounded(layer.weights, np.ones(2, np.float32), 0)}, {"a": layer.bias})
    mixed = chance.normal(0, 1, (200, 70)) @ chance.normal(0, 1, (70, 70))
    covariance = np.cov(mixed.T, bias=True)
    made = round_by_covariance(network, parameters, {"a": covariance}).kernels["a"].values.reshape(2, 70)
    assert (made == best_one_after_another(layer.weights.reshape(2, 70).astype(np.float64), covariance)).all()


def test_a_layer_that_will_see_too_few_windows_is_not_sampled():
    net = FloatNet((1, 8, 8, 320))
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2, window=1, name="a"))))
    assert [len(WindowMoments(network, count).tensors) for count in (19, 20)] == [0, 1]


def test_a_layer_of_many_taps_is_left_out_unless_it_saw_many_windows():
    net = FloatNet((1, 8, 8, 320))
    network = Network(TfliteFile(net.finish(net.conv(net.image, 2, window=1, name="a"))))
    few, many = ([np.zeros((1, 8, 8, 320), np.float32)] * count for count in (19, 20))  # 64 windows each, for 320 taps
    assert list(covariances(network, few)) == []
    assert list(covariances(network, many)) == ["a"]
