"""LoadGen's random numbers: what mlcommons-loadgen 6.0.17 gave for the seeds of v1.0, and what must hold for any."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.runtime.measure.loadgen_random import loaded_order, poisson_ns, sample_order
from detlite.runtime.measure.presets import QSL_SEED, SAMPLE_SEED, SCHEDULE_SEED


def test_sixteen_samples_are_loaded_in_loadgens_order():
    assert loaded_order(QSL_SEED, 16) == [4, 8, 13, 15, 6, 3, 14, 0, 1, 10, 7, 5, 12, 9, 11, 2]


def test_samples_come_in_loadgens_order():
    # that LoadGen shuffles once more for each 200 queries; v1.0 shuffles once
    loaded, skipped = loaded_order(QSL_SEED, 16), (math.ceil(200 / 16) + 1) * 8
    order = sample_order(SAMPLE_SEED, 16, 20, skipped=skipped)
    assert [loaded[i] for i in order] == [10, 11, 7, 2, 6, 0, 7, 5, 1, 4, 0, 15, 2, 15, 9, 13, 0, 12, 10, 3]


def test_queries_come_when_loadgen_sends_them():
    gaps_ms = np.diff(poisson_ns(SCHEDULE_SEED, 100, 13)) / 1e6
    np.testing.assert_allclose(gaps_ms, [3.7, 0.2, 4.9, 5.3, 11.9, 33.4, 3.2, 52.8, 26.0, 12.0, 7.2, 1.9], atol=0.06)


@given(st.integers(0, 2**64 - 1), st.integers(1, 300))
def test_loading_takes_each_sample_once(seed, samples):
    assert sorted(loaded_order(seed, samples)) == list(range(samples))


@given(st.integers(0, 2**64 - 1), st.integers(1, 300), st.integers(1, 500))
def test_more_queries_begin_as_fewer_do(seed, samples, count):
    assert (sample_order(seed, samples, 1000)[:count] == sample_order(seed, samples, count)).all()


@pytest.mark.parametrize("rate", [1.0, 250.0])
def test_arrivals_have_the_rate_and_the_spread_of_a_poisson_process(rate):
    gaps_s = np.diff(poisson_ns(SCHEDULE_SEED, rate, 40_000)) / 1e9
    assert gaps_s.mean() == pytest.approx(1 / rate, rel=0.02)
    assert gaps_s.std() == pytest.approx(1 / rate, rel=0.03)
