"""Pictures of what was found: boxes and labels at any size of image."""

import io

import numpy as np
import pytest
from PIL import Image

from detlite.runtime.image.draw import COLOURS, drawn, overlaid
from detlite.runtime.image.label_places import place_label
from detlite.runtime.task import Found

GREY = 90


def grey(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def changed(image, picture):
    """The rows and columns (top, left, bottom, right) that were drawn on."""
    rows, columns = np.nonzero((picture != GREY).any(axis=2))
    return rows.min(), columns.min(), rows.max(), columns.max()


def cat(box, score=0.9, number=0):
    return Found("cat", number, score, box)


def test_nothing_found_leaves_the_picture_as_it_is():
    np.testing.assert_array_equal(drawn(grey(400, 600), []), grey(400, 600))


def test_the_image_itself_is_not_changed():
    image = grey(400, 600)
    drawn(image, [cat((0.2, 0.2, 0.6, 0.6))])
    np.testing.assert_array_equal(image, grey(400, 600))


def test_a_box_is_drawn_where_it_is():
    picture = drawn(grey(401, 601), [cat((0.5, 0.25, 0.75, 0.5))])
    assert tuple(picture[301 - 2, 200]) == COLOURS[0]  # on its lower edge
    assert tuple(picture[250, 200]) == (GREY, GREY, GREY)  # inside


def test_boxes_of_two_classes_have_two_colours():
    picture = drawn(grey(401, 601), [cat((0.5, 0.1, 0.75, 0.4)), cat((0.5, 0.6, 0.75, 0.9), number=1)])
    assert tuple(picture[299, 120]) == COLOURS[0]
    assert tuple(picture[299, 420]) == COLOURS[1]


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (30, 900), (40, 30), (480, 640), (3000, 4000)])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-0.2, 0.9, 0.1, 1.3), (0.5, 0.5, 0.5, 0.5), (0.99, 0.0, 1.0, 0.01)])
def test_any_box_can_be_drawn_in_an_image_of_any_size(size, box):
    picture = drawn(grey(*size), [cat(box)])
    assert picture.dtype == np.uint8
    assert picture.shape[0] % size[0] == picture.shape[1] % size[1] == 0
    assert (picture != GREY).any()


def test_a_small_image_is_enlarged_by_a_whole_factor():
    assert drawn(grey(40, 60), [cat((0, 0, 1, 1))]).shape == (240, 360, 3)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_strip_is_enlarged_no_further_than_its_format_reaches(kind):
    picture = drawn(grey(3000, 2), [])
    assert picture.shape == (15_000, 10, 3)  # 16,383 pixels are WebP's limit
    Image.fromarray(picture).save(io.BytesIO(), kind)


def test_a_large_image_is_not():
    assert drawn(grey(480, 640), [cat((0, 0, 1, 1))]).shape == (480, 640, 3)


def label_height(side):
    top, _left, bottom, _right = changed(None, drawn(grey(side, side), [Found("cat", 0, 0.9)]))
    return bottom - top + 1


def test_labels_grow_with_the_image():
    assert label_height(640) >= 16
    assert 5 * label_height(640) < label_height(4000) < 7 * label_height(640)


def test_a_label_longer_than_the_picture_keeps_its_score():
    long = Found("cat " * 100, 0, 0.87, (0.2, 0.2, 0.8, 0.8))
    _top, left, _bottom, right = changed(None, drawn(grey(400, 400), [long]))
    assert left < 100
    assert right >= 300
    same = drawn(grey(400, 400), [Found("cat " * 100, 0, 0.11, (0.2, 0.2, 0.8, 0.8))])
    assert (drawn(grey(400, 400), [long]) != same).any()


def test_classes_of_a_whole_image_are_listed_at_the_top_left():
    classes = [Found(f"class {i}", i, 0.9 - 0.1 * i) for i in range(8)]
    top, left, bottom, right = changed(None, drawn(grey(480, 640), classes))
    assert (top, left) == (0, 0)
    assert bottom < 140  # five lines
    assert right < 160


@pytest.mark.parametrize("name", ["日本", "ß €", "a\nb\tc", "", "\x00\x1b"])
def test_any_text_can_be_a_label(name):
    drawn(grey(200, 300), [Found(name, 0, 0.5, (0, 0, 1, 1))])


def test_the_labels_of_one_box_do_not_cover_each_other():
    box, label, picture, taken = (10.0, 10.0, 80.0, 80.0), (30.0, 12.0), (100.0, 100.0), []
    for _ in range(4):
        place = place_label(box, label, picture, taken)
        taken.append((*place, *label))
    apart = [abs(a[0] - b[0]) >= 30 or abs(a[1] - b[1]) >= 12 for i, a in enumerate(taken) for b in taken[:i]]
    assert all(apart)


@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (95, 95, 50, 50), (0, 0, 100, 100), (200, 200, 1, 1)])
def test_a_label_stays_in_the_picture(box):
    x, y = place_label(box, (30, 12), (100, 100), [])
    assert 0 <= x <= 70
    assert 0 <= y <= 88


def test_a_picture_can_be_saved(tmp_path):
    Image.fromarray(drawn(grey(50, 50), [cat((0, 0, 1, 1))])).save(tmp_path / "a.png")


def left_half(height, width):
    area = np.zeros((height, width), np.bool_)
    area[:, : width // 2] = True
    return area


def test_the_outline_of_an_area_is_drawn_inside_it():
    area = np.zeros((400, 600), np.bool_)
    area[100:300, 200:400] = True
    picture = drawn(grey(400, 600), [cat((0.25, 1 / 3, 0.9, 2 / 3), number=2)], [area])
    assert tuple(picture[299, 300]) == COLOURS[2]
    assert tuple(picture[301, 300]) == tuple(picture[200, 300]) == (GREY, GREY, GREY)


def test_an_area_without_pixels_has_no_outline():
    found = [cat((0.25, 0.25, 0.5, 0.5))]
    with_area = drawn(grey(400, 600), found, [np.zeros((400, 600), np.bool_)])
    np.testing.assert_array_equal(with_area, drawn(grey(400, 600), found))


def test_a_small_image_has_its_outline_enlarged():
    picture = drawn(grey(40, 60), [cat((0, 0, 1, 1), number=1)], [left_half(40, 60)])
    assert picture.shape == (240, 360, 3)
    assert tuple(picture[120, 179]) == COLOURS[1]


def test_a_region_is_half_covered_with_its_colour():
    picture = overlaid(grey(400, 600), [cat((0, 0, 1, 0.5), number=3)], [left_half(400, 600)])
    np.testing.assert_allclose(picture[300, 100], (np.array(COLOURS[3]) + GREY) / 2, atol=1)
    assert tuple(picture[300, 400]) == (GREY, GREY, GREY)


def test_a_legend_names_the_regions_at_the_top_left():
    picture = overlaid(grey(400, 600), [cat((0, 0, 1, 0.5), number=3)], [left_half(400, 600)])
    assert tuple(picture[1, 1]) == COLOURS[3]


def test_a_legend_names_as_many_regions_as_fit():
    found = [cat((0, 0, 1, 1), number=number) for number in range(100)]
    areas = [left_half(40, 60)] * 100
    assert overlaid(grey(40, 60), found, areas).shape == (240, 360, 3)
