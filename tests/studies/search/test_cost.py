"""What each operator that is left float costs: what is said of them together is what they add up to."""

import pytest
from builders.float_detector import detector, write_images

from detlite.accuracy.images import Images
from detlite.calibration.quantize import float_model
from detlite.calibration.recipe import Recipe
from detlite.runtime.progress import silent
from detlite.studies.search.bench import Bench
from detlite.studies.search.cost import cost_record
from detlite.studies.search.shares import shares_of
from detlite.studies.search.trials import Trials


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The float model and its images."""
    return detector(), Images(write_images(tmp_path_factory.mktemp("images")), "made in a test")


@pytest.fixture(scope="module")
def bench(given):
    return Bench(*given)


@pytest.fixture(scope="module")
def trials(given):
    model, images = given
    return Trials(model, float_model(model, images, Recipe()), "bias_correction")


@pytest.fixture(scope="module")
def two(trials, bench):
    """What the third and the second operator bring and cost."""
    return cost_record(trials, bench, ["features", "differences"], shares_of(trials, silent))


def test_each_operator_is_there_in_the_order_of_running(two):
    assert [one["operators"] for one in two["left"]] == [["differences"], ["features"]]
    assert [one["kinds"] for one in two["left"]] == [["DEPTHWISE_CONV_2D"], ["CONV_2D"]]


@pytest.mark.parametrize(("key", "name"), [("edgetpu_partitions", "partitions"), ("edgetpu_unmapped", "unmapped")])
def test_what_the_operators_take_off_the_edge_tpu_adds_up(two, key, name):
    whole = two["edgetpu"]["mixed"][name] - two["edgetpu"]["int8"][name]
    assert sum(one[key] for one in two["left"]) == whole != 0


def test_a_float_operator_in_the_middle_makes_two_partitions_of_one(two):
    assert (two["edgetpu"]["int8"]["partitions"], two["edgetpu"]["mixed"]["partitions"]) == (1, 2)
    assert [one["edgetpu_partitions"] for one in two["left"]] == [1, 0]


def test_all_but_what_is_before_the_first_float_operator_is_left_to_the_cpu(two):
    assert two["left"][0]["edgetpu_unmapped"] == 9  # seven operators behind the first one, and two conversions


def test_the_latency_of_a_model_with_operators_on_the_cpu_has_no_error(two):
    assert two["edgetpu"]["mixed"]["latency_error_percent"] is None


def test_both_models_are_measured(two):
    assert two["int8_latency_ms"] > 0
    assert two["mixed_latency_ms"] > 0


def test_what_each_operator_brings_is_surely_a_gain(two):
    assert all(0 < gain["low"] < gain["value"] < gain["high"] for gain in (one["gain_db"] for one in two["left"]))


def test_what_the_operators_bring_adds_up_to_what_is_measured_of_all_of_them(two):
    whole = sum(one["gain_db"]["value"] for one in two["left"])
    assert whole == pytest.approx(two["gain_db"]["value"], abs=0.5)
    assert two["gain_db"]["low"] <= whole <= two["gain_db"]["high"]


def test_an_added_latency_has_an_interval(two):
    assert all(one["latency_low_ms"] <= one["latency_high_ms"] for one in two["left"])


def test_operators_whose_errors_cannot_be_told_apart_have_no_gain(trials, bench):
    record = cost_record(trials, bench, ["features"], None)
    assert (record["gain_db"], record["left"][0]["gain_db"]) == (None, None)


def test_nothing_left_float_costs_nothing(trials, bench):
    record = cost_record(trials, bench, [], None)
    assert (record["left"], record["int8_latency_ms"]) == ([], None)
    assert record["edgetpu"]["int8"] == record["edgetpu"]["mixed"]
