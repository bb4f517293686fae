"""The photographs of a first run: where crops are cut from, and which are independent."""

import pytest
from PIL import Image

from detlite.calibration.images.demo import PHOTOGRAPHS, demo_images, scene_of


def test_no_crop_reaches_the_helmet_that_detectors_take_for_a_mouse(tmp_path):
    pytest.importorskip("skimage")
    count = 20 * len(PHOTOGRAPHS)
    made = demo_images(tmp_path, count=count, seed=5, mirror=False)
    place = [photograph.file for photograph in PHOTOGRAPHS].index("astronaut.png")
    heights = []
    for path in made.paths[place :: len(PHOTOGRAPHS)]:
        with Image.open(path) as crop:
            heights.append(crop.height)
    assert max(heights) <= 340  # the helmet begins at row 345 of 512


def test_two_photographs_of_one_scene_are_drawn_together():
    files = [photograph.file for photograph in PHOTOGRAPHS]
    left, right = files.index("motorcycle_left.png"), files.index("motorcycle_right.png")
    assert scene_of(left) == scene_of(right) == scene_of(left + len(PHOTOGRAPHS))
    assert len({scene_of(number) for number in range(2 * len(PHOTOGRAPHS))}) == 4
