"""Blame: the operator that loses most is named, with what its repair brings; and the curve's verdict."""

import json

import numpy as np
import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.bootstrap import Interval
from detlite.accuracy.detect import detected_of
from detlite.accuracy.images import Images
from detlite.accuracy.output_error import HeadError, OutputError
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.studies.search.bench import Bench
from detlite.studies.search.blame import explain
from detlite.studies.search.curve import Point, curve
from detlite.studies.search.losses import losses
from detlite.studies.search.page import LostBoxes, explanation_files
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
    assert explained[2].suspects[0].repairing_db > 0.5


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


def test_the_error_of_the_raw_outputs_is_in_decibels_and_rms(explained):
    record = explained[2].to_record()["error"]
    assert record["images"] == 12
    assert 15 < record["boxes"]["db"] < 45
    assert record["logits"]["low"] <= record["logits"]["rms"] <= record["logits"]["high"] < 0.2


def test_the_explanation_is_a_page_and_a_record(explained):
    trials, bench, explanation = explained
    model = trials.model()
    found = detected_of(bench.predicted(model))
    lost = losses(found, detected_of(bench.reference), model.contract.labels)
    files = explanation_files(explanation, bench, model, LostBoxes(lost, found))
    assert "Where the int8 model loses" in files["explanation.html"]
    assert json.loads(files["explanation.json"])["suspects"][0]["blame"]["name"] == "differences"


def point(images, noise):
    error = OutputError({"boxes": HeadError(np.array(noise), np.full(3, 100.0), np.full(3, 100.0))})
    return Point(images, error, 95.0, Interval(94.0, 96.0, 200, 7), np.full(200, 95.0))


def point_of_regions(images, *fidelities):
    """A point of a two-stage detector, whose fidelity in two draws is that."""
    drawn = np.array(fidelities * 100)
    return Point(images, None, float(drawn.mean()), Interval(drawn.min(), drawn.max(), 200, 7), drawn)


NOISE = {8: (3.0, 4.0, 5.0), 16: (1.0, 2.0, 2.2), 32: (1.1, 1.8, 2.2)}
"""Squared errors of three images by number of calibration images: 16 is better on one image, 32 on another."""


def test_the_fewest_images_that_cannot_be_told_from_the_best_are_enough():
    found = curve((8, 16, 32), lambda count: point(count, NOISE[count]))
    assert found.enough == 16
    assert found.verdict == (
        "16 images are enough: 17.61 dB of signal over error, and the best, 17.70 dB with 32, cannot be told from it"
    )


def test_a_curve_that_still_rises_says_so():
    found = curve((8, 16), lambda count: point(count, NOISE[count]))
    assert found.verdict == "the error still falls at 16 images: try more"


def test_a_two_stage_detector_has_a_curve_of_its_fidelity_in_the_same_draws():
    points = {8: (80.0, 90.0), 16: (85.0, 95.0), 32: (84.9, 95.3)}
    found = curve(points, lambda count: point_of_regions(count, *points[count]))
    assert found.verdict == (
        "16 images are enough: 90.00 % fidelity, and the best, 90.10 % fidelity with 32, cannot be told from it"
    )
    assert [one["error"] for one in found.to_record()["points"]] == [None] * 3


def test_a_curve_of_fidelity_that_still_rises_says_so():
    points = {8: (80.0, 90.0), 16: (85.0, 95.0)}
    found = curve(points, lambda count: point_of_regions(count, *points[count]))
    assert found.verdict == "the fidelity still rises at 16 images: try more"
