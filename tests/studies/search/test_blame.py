"""Blame: the operator that loses most is named, with what its repair brings; and the curve's verdict."""

import json

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.bootstrap import Interval
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.studies.search.bench import Bench
from detlite.studies.search.blame import explain
from detlite.studies.search.curve import Point, curve
from detlite.studies.search.losses import losses
from detlite.studies.search.page import explanation_files
from detlite.studies.search.trials import Trials


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    model, images = detector(), Images(write_images(folder), "made in a test")
    trials = Trials(model, float_model(model, images, Recipe()), "bias_correction")
    bench = Bench(model, images)
    return trials, bench, explain(trials, bench)


def test_the_depthwise_convolution_of_differences_is_the_worst(explained):
    assert explained[2].suspects[0].blame.name == "differences"


def test_its_repair_brings_decibels(explained):
    assert explained[2].suspects[0].repairing_db > 1


def test_the_verdict_names_it_with_what_its_repair_brings(explained):
    assert explained[2].verdict.startswith("The worst operator is DEPTHWISE_CONV_2D differences: its repair brings ")


def test_every_tensor_has_a_signal_to_noise_ratio(explained):
    assert all(10 < one.snr_db < 80 for one in explained[2].tensors)
    assert len(explained[2].tensors) == 8


def test_the_float_model_agrees_with_itself(explained):
    _trials, bench, _explanation = explained
    lost = losses(detected_of(bench.reference), detected_of(bench.reference), ("thing 0", "thing 1", "thing 2"))
    assert all(one.fidelity == pytest.approx(100) for one in lost.by_class)
    assert all(one.gone == one.new == 0 for one in lost.by_image)


def test_the_explanation_is_a_page_and_a_record(explained):
    trials, bench, explanation = explained
    model = trials.model()
    found = detected_of(bench.predicted(model))
    lost = losses(found, detected_of(bench.reference), model.contract.labels)
    files = explanation_files(explanation, lost, bench, found, model)
    assert "Where the int8 model loses" in files["explanation.html"]
    assert json.loads(files["explanation.json"])["suspects"][0]["blame"]["name"] == "differences"


def point(images, fidelity):
    return Point(images, fidelity, Interval(fidelity - 1, fidelity + 1, 200, 7))


def test_the_fewest_images_that_cannot_be_told_from_the_best_are_enough():
    found = curve((8, 16, 32), lambda count: point(count, {8: 90.0, 16: 95.2, 32: 96.0}[count]))
    assert found.enough == 16
    assert found.verdict.startswith("16 images are enough: a fidelity of 95.20, and the best, 96.00 with 32")


def test_a_curve_that_still_rises_says_so():
    found = curve((8, 16), lambda count: point(count, {8: 90.0, 16: 96.0}[count]))
    assert found.verdict == "fidelity still rises at 16 images: try more"
