"""Tails of a float model: what a rounding costs is the same from there as from the image."""

import numpy as np
import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.calibration.weights.twins import rounded_alone
from detlite.studies.search.tails import tails_of
from detlite.studies.search.trials import Trials


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    model = detector()
    images = Images(write_images(tmp_path_factory.mktemp("images")), "made in a test")
    return Trials(model, float_model(model, images, Recipe()), "nearest")


def test_the_longest_tail_is_the_whole_model(trials):
    assert (trials.tails[0].begin, trials.tails[0].inputs) == (0, (trials.calibrated.network.image,))


def test_a_tail_reads_what_the_operators_before_it_make(trials):
    network, tail = trials.calibrated.network, trials.tails[2]
    made = {index for operator in network.operators[: tail.begin] for index in operator.outputs}
    assert set(tail.inputs) <= made
    assert len(tail.file(network).subgraph.operators) == len(network.operators) - tail.begin
    assert [value.shape for value in tail.feeds[0].inputs] == [network.shape(index) for index in tail.inputs]


def test_a_rounding_costs_the_same_from_a_tail_as_from_the_image(trials):
    network = trials.calibrated.network
    index = network.names.index("features")
    whole, short = (
        trials.noise_of_tail(tail, rounded_alone(trials.calibrated, [index], tail.file(network)))
        for tail in (trials.tails[0], [one for one in trials.tails if one.begin <= 2][-1])
    )
    assert np.allclose(short, whole, rtol=1e-4)
    assert whole.sum() > 0
    assert whole.sum() == pytest.approx(trials.noise_of(rounded_alone(trials.calibrated, [index])))


def test_no_tail_begins_behind_an_output(trials):
    network = trials.calibrated.network
    ends = set(network.outputs)
    first = next(place for place, operator in enumerate(network.operators) if ends & set(operator.outputs))
    assert max(tail.begin for tail in trials.tails) <= first


def test_wide_activations_are_not_kept(trials, monkeypatch):
    monkeypatch.setattr("detlite.studies.search.tails.MOST_BYTES", 0)
    found = tails_of(trials.calibrated.network, trials.samples)
    assert [tail.begin for tail in found] == [0]
