"""Random weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.rebuild.weights.random import RandomWeights


@given(st.integers(0, 2**32), st.text(min_size=1, max_size=20))
def test_the_same_seed_and_name_give_the_same_values(seed, name):
    one, two = RandomWeights(seed), RandomWeights(seed)
    two.take("another name first", (7,))
    np.testing.assert_array_equal(one.take(name, (4, 3)), two.take(name, (4, 3)))


def test_another_seed_gives_other_values():
    assert (RandomWeights(0).take("a/weights", (9,)) != RandomWeights(1).take("a/weights", (9,))).all()


def test_kernels_are_he_normal():
    values = RandomWeights(0).take("a/weights", (3, 3, 32, 64))
    assert abs(values.std() / np.sqrt(2 / (9 * 32)) - 1) < 0.02


def test_variances_are_positive():
    assert (RandomWeights(0).take("a/BatchNorm/moving_variance", (1000,)) > 0).all()


def test_no_variable_is_unused():
    assert str(RandomWeights(0).finish()) == ""
