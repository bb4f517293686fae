"""Latency: what is counted, and what the percentiles and their intervals mean."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.errors import InputError
from detlite.runtime.measure.latency import WARM_UPS, Plan, measure, noise, percentile_interval_ms, percentile_ms

samples = st.lists(st.floats(0.001, 1000), min_size=1, max_size=200)


def fake_session(name, log):
    """A session that writes down its name at each inference."""
    return SimpleNamespace(
        preprocess=lambda image: image,
        invoke=lambda tensor: log.append(name),
        heads=dict,
        postprocess=lambda heads: heads,
    )


def test_percentiles_are_samples_by_nearest_rank():
    values = [float(i) for i in range(1, 101)]
    assert [percentile_ms(values, p) for p in (0, 50, 90, 99, 100)] == [1, 50, 90, 99, 100]


def test_the_median_of_three_is_the_middle_one():
    assert percentile_ms([9.0, 1.0, 5.0], 50) == 5


@given(values=samples, percent=st.sampled_from([50, 90, 99]))
def test_a_percentile_lies_in_its_interval(values, percent):
    low, high = percentile_interval_ms(values, percent)
    assert low <= percentile_ms(values, percent) <= high


def coverage(count: int, percent: float) -> float:
    """The exact chance that the interval of *count* samples holds the true percentile."""
    share = percent / 100
    low, high = percentile_interval_ms([float(i) for i in range(count)], percent)
    # sample i (from 0) is at most the true percentile when more than i samples fall below it: a binomial's matter
    return sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(int(low) + 1, int(high) + 1))


@pytest.mark.parametrize(("count", "percent"), [(30, 50), (200, 50), (1000, 50), (200, 90), (1000, 90)])
def test_an_interval_holds_the_true_percentile_in_95_of_100_measurements(count, percent):
    assert 0.945 <= coverage(count, percent) <= 0.975


def test_two_models_are_measured_in_turn():
    log = []
    measure([fake_session("A", log), fake_session("B", log)], noise(4, 4), Plan(samples=50, min_seconds=0))
    assert log[-100:] == ["A", "B"] * 50


def test_the_first_and_the_warm_up_are_apart():
    (found,) = measure([fake_session("A", [])], noise(4, 4), Plan(samples=20, min_seconds=0))
    assert (len(found.warm_up_ms), len(found.invoke_ms), len(found.preprocess_ms)) == (WARM_UPS, 20, 20)
    assert found.first_ms >= 0


def test_a_measurement_goes_on_until_its_time_is_over():
    (found,) = measure([fake_session("A", [])], noise(4, 4), Plan(samples=1, min_seconds=0.05))
    assert len(found.invoke_ms) > 100


def test_progress_ends_at_the_end():
    steps = []
    measure(
        [fake_session("A", [])], noise(4, 4), Plan(samples=20, min_seconds=0), progress=lambda *step: steps.append(step)
    )
    assert steps[-1] == ("latency", 20, 20)


@pytest.mark.parametrize("plan", [{"samples": 0}, {"samples": 10**7}, {"min_seconds": -1.0}, {"min_seconds": math.nan}])
def test_a_plan_that_measures_nothing_or_for_ever_is_refused(plan):
    with pytest.raises(InputError, match="want 1 to 1000000, and at most a day"):
        Plan(**plan)


def test_noise_is_the_same_each_time():
    np.testing.assert_array_equal(noise(3, 4), noise(3, 4))
    assert (noise(3, 4).shape, noise(3, 4).dtype) == ((3, 4, 3), np.uint8)
