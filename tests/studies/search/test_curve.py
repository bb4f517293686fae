"""Choices of calibration images for a curve."""

from pathlib import Path

from detlite.studies.search.curve import CHOICES, choices_of

IMAGES = [Path(f"{number}.jpg") for number in range(20)]


def test_each_number_of_images_has_several_choices_that_are_the_same_every_time():
    made = choices_of(IMAGES, 8)
    assert len(set(made)) == CHOICES
    assert all(len(set(one)) == 8 and set(one) <= set(IMAGES) for one in made)
    assert choices_of(IMAGES, 8) == made


def test_all_images_are_one_choice():
    assert choices_of(IMAGES, 20) == (tuple(IMAGES),)
