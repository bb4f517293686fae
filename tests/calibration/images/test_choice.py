"""Which images are chosen: by labels, by content, and always the same ones."""

import numpy as np
import pytest
from builders.image_files import picture
from hypothesis import given
from hypothesis import strategies as st

from detlite.accuracy.dataset import Object
from detlite.calibration.images.choice import Strata, brightness_strata, content_strata, label_strata, stratified
from detlite.calibration.images.content import clusters, content


def thumbnails(count: int) -> np.ndarray:
    return np.stack([picture(number, 32) for number in range(count)])


def strata_of(members: np.ndarray) -> Strata:
    return Strata(members, members.mean(axis=0))


def shares(members: np.ndarray, chosen: list) -> np.ndarray:
    return members[chosen].mean(axis=0)


def test_strata_are_taken_in_their_shares():
    strata = np.zeros((100, 2))
    strata[:80, 0] = strata[80:, 1] = 1
    assert shares(strata, stratified(strata_of(strata), 10, seed=0)).tolist() == [0.8, 0.2]


def test_a_class_that_few_images_have_is_not_left_out():
    strata = np.zeros((200, 2))
    strata[:, 0], strata[7, 1] = 1, 1
    strata[0, 0] = 0
    assert 7 in stratified(strata_of(strata), 100, seed=0)


def test_the_first_of_a_choice_are_the_choice_of_fewer():
    strata = label_strata([(Object("abc"[n % 3], 0.001 * n),) for n in range(30)])
    assert stratified(strata, 20, seed=4)[:7] == stratified(strata, 7, seed=4)


def test_another_seed_chooses_other_images_of_the_same_strata():
    strata = np.eye(4).repeat(20, axis=0)
    one, other = (stratified(strata_of(strata), 8, seed=seed) for seed in (0, 1))
    assert set(one) != set(other)
    assert shares(strata, one).tolist() == shares(strata, other).tolist()


@given(
    strata=st.integers(1, 30).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=n, max_size=n)
    ),
    count=st.integers(1, 40),
    seed=st.integers(0, 9),
)
def test_as_many_as_are_wanted_are_taken_each_once(strata, count, seed):
    chosen = stratified(strata_of(np.array(strata, np.float64)), count, seed)
    assert len(chosen) == len(set(chosen)) == min(count, len(strata))


@pytest.mark.parametrize(("area", "column"), [(0.003, 0), (0.02, 1), (0.2, 2)])
def test_objects_are_small_medium_or_large_as_in_coco(area, column):
    assert label_strata([(Object("cat", area),)]).members[0].tolist() == [1.0, *np.eye(3)[column]]


def test_an_object_without_a_box_is_of_no_size():
    assert label_strata([(Object("cat", None),)]).members[0].tolist() == [1, 0, 0, 0]


def test_brightness_divides_images_into_fifths():
    images = np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in (250, 10, 90, 130, 200)])
    assert brightness_strata(images).members.argmax(axis=1).tolist() == [4, 0, 1, 2, 3]


def test_images_of_two_kinds_come_into_two_clusters():
    dark, bright = np.zeros((8, 32, 32, 3), np.uint8), np.full((8, 32, 32, 3), 220, np.uint8)
    strata = content_strata(np.concatenate([dark, bright]), 9).members
    assert strata.shape == (16, 2)
    assert strata[:8].std(axis=0).tolist() == strata[8:].std(axis=0).tolist() == [0, 0]


def test_more_clusters_than_different_images_are_no_error():
    same = content(np.zeros((5, 32, 32, 3), np.uint8))
    assert clusters(same, 3).tolist() == [0] * 5


def test_descriptors_tell_colours_and_directions_apart():
    across = np.zeros((32, 32, 3), np.uint8)
    across[:, ::4] = 255
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    described = content(np.stack([across, across.transpose(1, 0, 2), red, red[..., ::-1]]))
    distances = ((described[:, None] - described[None]) ** 2).sum(axis=-1)
    assert described.shape == (4, 80)
    assert distances[~np.eye(4, dtype=bool)].min() > 0.5


def test_content_of_one_image_is_one_stratum():
    assert content_strata(thumbnails(1), 5).members.tolist() == [[1]]


def test_a_long_scene_does_not_leave_a_short_one_without_images():
    long, short = np.repeat(thumbnails(1), 112, axis=0), thumbnails(17)[1:]
    strata = content_strata(np.concatenate([long, short]), 16)
    chosen = stratified(strata, 16, seed=0)
    assert 3 <= sum(number >= 112 for number in chosen) <= 8  # by their number they would be 2
