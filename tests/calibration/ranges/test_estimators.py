"""Range estimators: every one there is gives a range to every activation."""

import numpy as np
import pytest
from builders.float_models import FloatNet, images

from detlite.calibration.models import Feed, separate
from detlite.calibration.network import Network
from detlite.calibration.ranges.estimator import ESTIMATORS
from detlite.calibration.ranges.histograms import Histogram, histograms
from detlite.calibration.ranges.observer import observe
from detlite.calibration.ranges.ranges import Range
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.plugins import load_plugin, plugin_names


def estimated(name, samples):
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.conv(net.image, 4, name="a"))))
    give = lambda: separate(samples)  # noqa: E731
    observed = observe(network, give)
    return network, observed, load_plugin(ESTIMATORS, name).estimate(network, observed, give)


@pytest.mark.parametrize("name", plugin_names(ESTIMATORS))
def test_an_estimator_gives_every_activation_a_range_within_what_was_seen(name):
    network, observed, found = estimated(name, images())
    assert set(found) == set(network.activations)
    for index, one in found.items():
        assert observed.lows[index].min() - 1e-6 <= one.low <= one.high <= observed.highs[index].max() + 1e-6


def test_min_max_is_the_extreme_of_all_images():
    network, observed, found = estimated("min_max", images())
    a = network.names.index("a")
    assert found[a] == Range(float(observed.lows[a].min()), float(observed.highs[a].max()))


def test_one_odd_image_moves_the_mean_by_its_share_alone():
    samples = images(count=10)
    _network, _observed, usual = estimated("mean_min_max", samples)
    _network, observed, odd = estimated("mean_min_max", [*samples[:9], samples[9] * 100])
    a = max(odd)
    assert odd[a].high < 0.15 * observed.highs[a].max()
    assert odd[a].high > usual[a].high


def test_a_vector_has_the_extremes_of_all_images_and_a_map_their_mean():
    net = FloatNet()
    pooled = net.add("MEAN", [net.image, net.constant(np.array([1, 2], np.int32))], [(1, 3)], name="pooled")[0]
    network = Network(TfliteFile(net.finish(net.conv(net.image, 4, name="a"), pooled)))
    samples = images()
    observed = observe(network, lambda: separate(samples))
    found = load_plugin(ESTIMATORS, "mean_min_max").estimate(network, observed, lambda: separate(samples))
    a, pooled = network.names.index("a"), network.names.index("pooled")
    assert found[pooled] == Range(float(observed.lows[pooled].min()), float(observed.highs[pooled].max()))
    assert found[a] == Range(float(observed.lows[a].mean()), float(observed.highs[a].mean()))


def test_the_frames_of_a_stream_have_the_extremes_of_all():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.conv(net.image, 4, name="a"))))
    frames = [Feed((image,), number // 2) for number, image in enumerate(images())]
    observed = observe(network, lambda: iter(frames))
    found = load_plugin(ESTIMATORS, "mean_min_max").estimate(network, observed, lambda: iter(frames))
    a = network.names.index("a")
    assert found[a] == Range(float(observed.lows[a].min()), float(observed.highs[a].max()))


def test_a_histogram_counts_every_value():
    net = FloatNet()
    network = Network(TfliteFile(net.finish(net.conv(net.image, 4, name="a"))))
    samples = images()
    observed = observe(network, lambda: separate(samples))
    (found,) = histograms(network, observed, lambda: separate(samples)).values()
    assert found.counts.sum() == 4 * 8 * 8 * 4
    a = network.names.index("a")
    assert (found.low, found.high) == (observed.lows[a].min(), observed.highs[a].max())


def test_the_least_square_error_gives_up_a_lone_outlier():
    from detlite.calibration.ranges.estimators.mse import _range

    counts = np.zeros(2048, np.int64)
    counts[1024:1124], counts[2047] = 10_000, 1
    assert _range(Histogram(-1.0, 1.0, counts)).high < 0.6


def test_a_percentile_gives_up_a_lone_outlier():
    from detlite.calibration.ranges.estimators.percentile import _range

    counts = np.zeros(2048, np.int64)
    counts[1024:1124], counts[2047] = 10_000, 1
    assert _range(Histogram(-1.0, 1.0, counts)).high < 0.12
