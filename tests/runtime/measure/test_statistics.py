"""Percentiles and their intervals, the end of warming up, and slowing down, on series with known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.runtime.measure.statistics import (
    bootstrap_ns,
    change_point,
    drift,
    fewest_samples,
    percentile_ns,
)


def noisy(level: int, count: int, seed: int = 0) -> np.ndarray:
    """Times around *level* ns, with a spread of 2 % and a rare one three times as long."""
    generator = np.random.default_rng(seed)
    times = level * generator.normal(1, 0.02, count)
    times[generator.random(count) < 0.02] *= 3
    return times.astype(np.int64)


def test_percentiles_are_samples_by_nearest_rank():
    times = np.arange(1, 101)[::-1]
    assert [percentile_ns(times, p) for p in (0, 50, 90, 99, 100)] == [1, 50, 90, 99, 100]


@pytest.mark.parametrize(("percent", "count"), [(50, 5), (90, 29), (95, 59), (99, 299)])
def test_a_percentile_needs_enough_samples_that_one_exceeds_it_in_95_of_100_runs(percent, count):
    assert fewest_samples(percent) == count
    assert 1 - (percent / 100) ** count >= 0.95 > 1 - (percent / 100) ** (count - 1)


def test_the_interval_of_one_level_is_that_level():
    assert bootstrap_ns([np.full(50, 7), np.full(50, 7)])[90.0] == (7, 7)


def test_processes_that_differ_widen_the_interval():
    alike = bootstrap_ns([noisy(1_000_000, 200, seed) for seed in range(3)])[50.0]
    apart = bootstrap_ns([noisy(level, 200) for level in (1_000_000, 1_100_000, 1_200_000)])[50.0]
    assert apart[1] - apart[0] > 10 * (alike[1] - alike[0])


def test_the_interval_of_the_median_holds_the_true_one_in_most_runs():
    held = 0
    for seed in range(60):
        low, high = bootstrap_ns([np.random.default_rng(seed).exponential(1e6, 100).astype(np.int64)], (50.0,))[50.0]
        held += low <= np.log(2) * 1e6 <= high
    assert held >= 51  # 95 of 100 are meant; 51 of 60 or more come by chance in 99 of 100 cases


def test_warming_up_ends_where_the_level_falls():
    assert change_point(np.concatenate([noisy(2_000_000, 17), noisy(1_000_000, 200)])) == 17


def test_a_device_that_warms_up_in_two_steps_is_cut_after_both():
    series = np.concatenate([noisy(4_000_000, 10), noisy(2_000_000, 20), noisy(1_000_000, 200)])
    assert change_point(series) == 30


@pytest.mark.parametrize("seed", range(20))
def test_a_level_that_stays_is_not_cut(seed):
    assert change_point(noisy(1_000_000, 300, seed)) == 0


def test_a_device_that_becomes_slower_is_not_cut():
    assert change_point(np.concatenate([noisy(1_000_000, 100), noisy(1_500_000, 100)])) == 0


def test_becoming_slower_is_found_and_how_much():
    found = drift(np.concatenate([noisy(1_000_000, 100), noisy(1_300_000, 100)]))
    assert found.is_slower
    assert found.ratio == pytest.approx(1.3, rel=0.02)
    assert found.low < found.ratio < found.high


def test_becoming_faster_is_no_throttling():
    assert not drift(np.concatenate([noisy(1_300_000, 100), noisy(1_000_000, 100)])).is_slower


def test_too_few_samples_have_no_drift():
    assert drift(noisy(1_000_000, 19)) is None


@settings(deadline=None)  # a thousand draws take a while where other tests run beside
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60))
def test_any_series_has_a_percentile_in_its_interval_range(values):
    times = np.array(values, np.int64)
    low, high = bootstrap_ns([times], (90.0,))[90.0]
    assert times.min() <= low <= high <= times.max()
    assert 0 <= change_point(times) < len(times) + 1
