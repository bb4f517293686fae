"""How sure the ratio of two latencies is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.runtime.measure.statistics import median_ratio_interval

SAMPLES = st.lists(st.floats(0.1, 100), min_size=1, max_size=60)


@settings(max_examples=20, deadline=None)
@given(samples=SAMPLES)
def test_a_model_takes_exactly_as_long_as_itself(samples):
    assert median_ratio_interval(samples, samples) == (1, 1)


@settings(max_examples=20, deadline=None)
@given(samples=SAMPLES)
def test_what_disturbs_both_alike_does_not_widen_the_interval(samples):
    assert median_ratio_interval([2 * s for s in samples], samples) == (pytest.approx(2), pytest.approx(2))


def test_the_interval_holds_the_ratio():
    random = np.random.default_rng(0)
    samples, others = 1 + random.gamma(1, 0.1, 200), 2 + random.gamma(1, 0.2, 200)
    low, high = median_ratio_interval(samples, others)
    assert low <= 0.5 <= high
    assert low < high
