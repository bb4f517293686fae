"""How sure an mAP is: the images drawn again."""

from dataclasses import replace

import numpy as np
import pytest
from builders.detection_cases import detected, invented
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.accuracy.bootstrap import bootstrap_map, bootstrap_pair, draw_images, interval_of
from detlite.accuracy.classes import ClassMap
from detlite.accuracy.coco import coco_matches
from detlite.accuracy.matching import Matches
from detlite.accuracy.precision import mean_average_precision
from detlite.runtime.errors import InputError

CLASSES = ClassMap((1, 2, 3), "position")


def matches(seed, images=12):
    truth, found = invented(seed, images=images)
    return coco_matches(found, truth, CLASSES)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), weights=st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_a_weight_counts_as_the_image_so_many_times(seed, weights):
    weighted = mean_average_precision(matches(seed), np.array([weights], float))[0]
    copied = mean_average_precision(repeated(seed, weights))[0]
    assert weighted == pytest.approx(copied, abs=1e-9, nan_ok=True)


def repeated(seed, weights):
    """The matches of a set in which image i is there weights[i] times."""
    truth, found = invented(seed)
    order = np.repeat(np.arange(12), weights)
    images = tuple(replace(truth.images[i], id=n + 1) for n, i in enumerate(order))
    truths = tuple(replace(t, image_id=n + 1) for n, i in enumerate(order) for t in truth.truths if t.image_id == i + 1)
    rows = []
    for n, i in enumerate(order):
        for (y1, x1, y2, x2), c, s in zip(*(a.tolist() for a in found.of_image(i)), strict=True):
            rows.append((n, c, (100 * x1, 100 * y1, 100 * (x2 - x1), 100 * (y2 - y1)), s))
    if all(t.crowd for t in truths):
        return Matches(max(1, len(images)), ())
    return coco_matches(detected(rows, images=len(images)), replace(truth, images=images, truths=truths), CLASSES)


def test_each_draw_has_as_many_images():
    drawn = draw_images(9, 50, seed=1)
    assert drawn.shape == (50, 9)
    assert set(drawn.sum(axis=1)) == {9}


def test_the_same_seed_gives_the_same_interval():
    assert bootstrap_map(matches(3), draws=40, seed=5) == bootstrap_map(matches(3), draws=40, seed=5)
    assert bootstrap_map(matches(3), draws=40, seed=5) != bootstrap_map(matches(3), draws=40, seed=6)


def test_a_detector_does_not_differ_from_itself():
    found = bootstrap_pair(matches(3), matches(3), draws=40)
    assert (found.difference.low, found.difference.high) == (0, 0)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((100, 100))


def test_an_interval_is_moved_against_the_bias_of_its_draws():
    draws = np.random.default_rng(0).normal(0.226, 0.1, 2000)  # of a difference of 0.190: the draws say more
    plain, corrected = interval_of(draws, 7), interval_of(draws, 7, value=0.190)
    assert (plain.low, plain.high) == pytest.approx((0.03, 0.42), abs=0.02)
    assert (corrected.low, corrected.high) == pytest.approx((0.19 - 0.036 - 0.196, 0.19 - 0.036 + 0.196), abs=0.03)


def test_draws_without_bias_keep_their_percentiles():
    draws = np.arange(1001.0)
    assert interval_of(draws, 7, value=500.0) == interval_of(draws, 7)


def test_images_of_one_photograph_are_drawn_together():
    drawn = draw_images(6, 50, seed=1, groups=(0, 1, 2, 0, 1, 2))
    assert np.array_equal(drawn[:, :3], drawn[:, 3:])
    assert set(drawn.sum(axis=1)) == {6}


def test_six_images_of_two_photographs_have_three_kinds_of_draws():
    assert len(np.unique(draw_images(6, 200, seed=1, groups=(0, 0, 0, 1, 1, 1)), axis=0)) == 3


def test_draws_in_parts_are_those_at_once():
    many = draw_images(12, 500, seed=0)
    whole = mean_average_precision(matches(4), many)
    parts = np.concatenate([mean_average_precision(matches(4), part) for part in np.array_split(many, 7)])
    assert np.array_equal(whole, parts, equal_nan=True)


def test_a_pair_needs_the_same_images():
    with pytest.raises(InputError, match="12 images against 10: a pair needs the same images"):
        bootstrap_pair(matches(1), matches(1, images=10))


@pytest.mark.parametrize("draws", [-1, 1, 10**9])
def test_absurd_numbers_of_draws_are_refused(draws):
    with pytest.raises(InputError, match="bootstrap draws?: want 2 to 100000"):
        bootstrap_map(matches(1), draws=draws)


def test_no_truth_at_all_cannot_be_bootstrapped():
    with pytest.raises(InputError, match="there is nothing to bootstrap"):
        bootstrap_map(Matches(3, ()), draws=10)
