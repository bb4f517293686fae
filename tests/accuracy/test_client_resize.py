"""How Android's clients resize: written numbers, and what any resizing does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detlite.accuracy.client_resize import CLIENT_RESIZES, client_resize
from detlite.runtime.errors import UnknownNameError

SIZES = st.integers(2, 40)


def row(*values):
    """An image of one row of grey pixels, twice, so that it has two rows."""
    return np.repeat(np.array([values, values], np.uint8)[:, :, None], 3, axis=2)


def resized(image, width, client, height=2):
    return client_resize(image, height, width, client)[0, :, 0].tolist()


def test_mediapipe_samples_at_the_corner_of_a_pixel():
    assert resized(row(0, 30, 60, 90, 120, 150), 4, "mediapipe") == [0, 45, 90, 135]


def test_mediapipe_rounds_places_to_a_32nd_of_a_pixel():
    assert resized(row(0, 96, 192), 7, "mediapipe") == [0, 42, 81, 123, 165, 192, 192]


def test_the_task_library_samples_at_the_middle_of_a_pixel_and_darkens():
    assert resized(row(200, 200, 200), 2, "task-library", height=1) == [198, 198]


def test_the_task_library_does_not_darken_what_keeps_its_width():
    image = np.full((5, 2, 3), 200, np.uint8)
    assert client_resize(image, 3, 2, "task-library").min() == 200


def test_the_task_library_takes_the_mean_of_two_means_at_whole_even_factors():
    image = np.array([[1, 2], [2, 4]], np.uint8)[:, :, None].repeat(3, axis=2)  # means of rows 2, 3: in all 3
    assert client_resize(image, 1, 1, "task-library").ravel().tolist() == [3, 3, 3]


def test_the_task_library_takes_the_pixel_in_the_middle_at_whole_odd_factors():
    image = np.arange(81, dtype=np.uint8).reshape(9, 9)[:, :, None].repeat(3, axis=2)
    assert client_resize(image, 3, 3, "task-library")[:, :, 0].tolist() == [[10, 13, 16], [37, 40, 43], [64, 67, 70]]


@pytest.mark.parametrize("client", CLIENT_RESIZES)
def test_an_image_of_the_right_size_stays_as_it_is(client):
    image = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    assert client_resize(image, 7, 9, client).tolist() == image.tolist()


@pytest.mark.parametrize("client", CLIENT_RESIZES)
@given(height=SIZES, width=SIZES, to_height=SIZES, to_width=SIZES, seed=st.integers(0, 99))
def test_no_pixel_is_brighter_or_more_than_2_of_255_darker_than_those_it_is_made_of(
    client, height, width, to_height, to_width, seed
):
    image = np.random.default_rng(seed).integers(40, 200, (height, width, 3), np.uint8)
    found = client_resize(image, to_height, to_width, client)
    assert found.shape == (to_height, to_width, 3)
    assert found.max() <= image.max()
    assert found.min() >= image.min() - 2


def test_a_client_whose_resizing_is_not_known_gets_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"did you mean 'mediapipe'"):
        client_resize(np.zeros((2, 2, 3), np.uint8), 1, 1, "mediapip")
