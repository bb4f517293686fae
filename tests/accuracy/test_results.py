"""Results as types and as records: the same keys as ever, and read back without a loss."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.detection_cases import annotations, detected, invented
from builders.tiny_tflite import save_tiny

from detlite.accuracy.classes import ClassMap
from detlite.accuracy.evaluation import EvaluationOptions, PredictedPair, by_fidelity, by_labels
from detlite.accuracy.ground_truth import Labelled
from detlite.accuracy.results import Accuracy, Agreement
from detlite.runtime.errors import InputError

CLASSES = ClassMap((1, 2, 3), "position")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    artifact = save_tiny(tmp_path_factory.mktemp("model") / "tiny")
    _truth, found = invented(1)
    return PredictedPair(artifact, found, artifact, invented(2)[1])


@pytest.fixture
def truth():
    return Labelled(invented(1)[0], tuple(range(12)), CLASSES)


def read_again(kind, result):
    return kind.from_record(json.loads(json.dumps(result.to_record(), allow_nan=False)))


@pytest.mark.parametrize("draws", [0, 20])
@pytest.mark.parametrize("metric", ["coco", "voc2007"])
def test_an_accuracy_is_read_as_it_was_written(pair, truth, metric, draws):
    result = by_labels(pair, truth, metric, EvaluationOptions(draws=draws))
    assert read_again(Accuracy, result).to_record() == result.to_record()


@pytest.mark.parametrize("draws", [0, 20])
def test_an_agreement_is_read_as_it_was_written(pair, draws):
    result = by_fidelity(pair, EvaluationOptions(draws=draws), "0" * 64)
    assert read_again(Agreement, result).to_record() == result.to_record()


def test_the_keys_of_an_accuracy_are_those_of_version_0_1(pair, truth):
    record = by_labels(pair, truth, "voc2007", EvaluationOptions(draws=20)).to_record()
    keys = {"metric", "map", "map_small", "map_medium", "map_large", "map_interval", "map_draws", "against", "draws"}
    keys |= {"map_difference", "map_ratio", "map_difference_interval", "per_class", "score_wall_s", "images"}
    keys |= {"detections", "model", "model_sha256", "invoke_sum_s", "protocol", "device", "gates", "wall_s"}
    assert set(record) == keys


def test_the_keys_of_an_agreement_are_those_of_version_0_1(pair):
    record = by_fidelity(pair, EvaluationOptions(), "0" * 64).to_record()
    keys = {"metric", "fidelity", "fidelity_interval", "images", "classes", "reference_count", "found_count"}
    keys |= {"matched_count", "detections", "model", "model_sha256", "invoke_sum_s", "protocol", "device"}
    assert set(record) == keys | {"gates", "wall_s"}


def test_the_headline_has_a_name_and_other_metrics_have_none(pair, truth):
    result = by_labels(pair, truth, "coco", EvaluationOptions())
    assert result.map == result.headline.value == result.numbers["map"]
    assert (result.headline_name, result.top1, result.miou) == ("map", None, None)


def test_a_gate_is_about_the_ratio_to_the_reference(pair, truth):
    result = by_labels(pair, truth, "coco", EvaluationOptions())
    assert result.gated_numbers()["map_ratio"] == pytest.approx(result.map / result.reference.numbers["map"])


@pytest.mark.parametrize("record", [{}, {"metric": "fidelity"}, {"metric": "coco", "map": 1.0}, [], None])
@pytest.mark.parametrize("kind", [Accuracy, Agreement])
def test_another_record_is_refused_in_one_line(kind, record):
    with pytest.raises(InputError) as raised:
        kind.from_record(record)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": "twelve"}, "cannot be read: images holds 'twelve', want a whole number"),
        ({"map": None}, "cannot be read: value holds 'None', want a number"),
        ({"gates": [{"name": "min_map"}]}, "cannot be read: it lacks number"),
        ({"map_interval": {"low": 1.0}}, "cannot be read: it lacks interval.high"),
    ],
)
def test_a_damaged_value_of_a_record_is_named(pair, truth, change, text):
    record = by_labels(pair, truth, "coco", EvaluationOptions()).to_record()
    with pytest.raises(InputError, match=text):
        Accuracy.from_record(record | change)


def test_times_of_a_simulated_device_are_marked(pair, truth):
    result = by_labels(pair, truth, "coco", EvaluationOptions())
    marked = replace(result, run=replace(result.run, device={"simulated": True}, detect_wall_s=2.0))
    record = marked.to_record()
    assert (record["simulated"], record["simulated_detect_wall_s"]) == (True, 2.0)
    assert read_again(Accuracy, marked).run.detect_wall_s == 2.0


def test_images_without_an_object_that_counts_cannot_be_scored(pair):
    empty = Labelled(annotations([(0, 0, (1, 1, 9, 9))], images=12, crowd=(0,)), tuple(range(12)), CLASSES)
    with pytest.raises(InputError, match="no object is annotated in these 12 images"):
        by_labels(pair, empty, "coco", EvaluationOptions())


def test_predictions_are_joined_image_after_image():
    one, other = detected([(1, 0, (1, 1, 9, 9), 0.5)]), detected([(0, 2, (1, 1, 9, 9), 0.7)])
    joined = type(one).join([one, other])
    assert (joined.image_index.tolist(), joined.classes.tolist()) == ([1, 2], [0, 2])
    np.testing.assert_array_equal(joined.sizes, np.full((4, 2), 100))
