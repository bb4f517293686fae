"""The letterbox: where an image is put, what is around it, and how boxes and masks come back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tasks import tiny_task
from hypothesis import given
from hypothesis import strategies as st

from detlite.convert.model import session_of
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.image.preprocess import preprocess
from detlite.runtime.inputs import ImageInput, image_from_record
from detlite.runtime.letterbox import Letterbox

SQUARE = ImageInput("image", 8, 8, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "half_pixel_bilinear")


def boxed(pad="bottom_right", value=(114.0, 115.0, 116.0)):
    return replace(SQUARE, letterbox=Letterbox(pad, value))


@pytest.mark.parametrize(
    ("pad", "size", "place"),
    [
        ("bottom_right", (4, 8), (0, 0, 4, 8)),
        ("center", (4, 8), (2, 0, 4, 8)),
        ("center", (8, 4), (0, 2, 8, 4)),
        ("center", (100, 160), (1, 0, 5, 8)),
        ("bottom_right", (1, 1000), (0, 0, 1, 8)),
        ("center", (30, 30), (0, 0, 8, 8)),
    ],
)
def test_where_an_image_is_in_the_input(pad, size, place):
    fit = boxed(pad).fit(size)
    assert (fit.top, fit.left, fit.height, fit.width) == place


@given(height=st.integers(1, 5000), width=st.integers(1, 5000), pad=st.sampled_from(["bottom_right", "center"]))
def test_an_image_touches_two_sides_and_leaves_none(height, width, pad):
    fit = boxed(pad).fit((height, width))
    assert 8 in (fit.height, fit.width)
    assert min(fit.top, fit.left) >= 0
    assert fit.top + fit.height <= 8
    assert fit.left + fit.width <= 8


def test_the_padding_has_its_value_in_every_channel():
    found = preprocess(np.full((4, 8, 3), 7, np.uint8), boxed())[0]
    assert (found[:4] == 7).all()
    assert found[4:].reshape(-1, 3).tolist() == [[114.0, 115.0, 116.0]] * 32


def test_the_padding_is_normalized_and_ordered_as_pixels_are():
    image = replace(boxed(), colour="BGR", mean=(100.0,) * 3, std=(2.0,) * 3)
    found = preprocess(np.zeros((4, 8, 3), np.uint8), image)[0]
    assert found[7, 0].tolist() == [8.0, 7.5, 7.0]


def test_an_image_of_the_inputs_aspect_is_as_without_a_letterbox():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(preprocess(image, boxed()), preprocess(image, SQUARE))


@pytest.mark.parametrize("pad", ["bottom_right", "center"])
def test_boxes_come_back_to_the_image(pad):
    fit = boxed(pad).fit((4, 8))
    top = fit.top / 8
    boxes = np.array([[top, 0, top + 0.5, 1], [top + 0.125, 0.25, top + 0.25, 0.5]], np.float32)
    np.testing.assert_allclose(fit.to_image(boxes), [[0, 0, 1, 1], [0.25, 0.25, 0.5, 0.5]], atol=1e-6)


def test_detections_in_a_padded_image_are_parts_of_the_image():
    image = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    boxes = session_of(tiny_task("detection", letterbox=Letterbox("center"))).run(image).boxes
    assert len(boxes)
    assert boxes.min() >= 0
    assert boxes.max() <= 1


def test_an_image_that_was_padded_by_hand_gives_the_same_boxes():
    image = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)
    padded = np.zeros((16, 16, 3), np.uint8)
    padded[4:12] = image
    found = session_of(tiny_task("detection", letterbox=Letterbox("center"))).run(image)
    whole = session_of(tiny_task("detection")).run(padded)
    np.testing.assert_array_equal(found.scores, whole.scores)
    want = np.clip(whole.boxes * (2, 1, 2, 1) - (0.5, 0, 0.5, 0), 0, 1)
    np.testing.assert_allclose(found.boxes, want, atol=1e-6)


@pytest.mark.parametrize("kind", ["segmentation", "instances"])
def test_maps_and_masks_have_the_images_size(kind):
    image = np.random.default_rng(0).integers(0, 256, (20, 50, 3), np.uint8)
    found = session_of(tiny_task(kind, letterbox=Letterbox())).run(image)
    shape = found.classes.shape if kind == "segmentation" else found.mask(0).shape
    assert shape == (20, 50)


def test_a_detector_with_a_letterbox_is_a_contract_of_version_3():
    contract = tiny_task("detection", letterbox=Letterbox("center", (1.0, 2.0, 3.0))).contract
    text = contract.to_json()
    assert json.loads(text)["schema_version"] == 3
    assert contract_from_json(text).image.letterbox == Letterbox("center", (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Letterbox("left"), "the padding is 'left'; it must be one of bottom_right, center"),
        (lambda: Letterbox(pad_value=(0.0,)), "want three numbers of 0 to 255"),
        (lambda: Letterbox(pad_value=(0.0, 0.0, 256.0)), "want three numbers of 0 to 255"),
    ],
)
def test_a_letterbox_that_makes_no_sense_is_refused(make, error):
    with pytest.raises(ContractError, match=error):
        make()


@pytest.mark.parametrize(
    ("rounding", "size", "sides"),
    [
        ("half_up", (16, 5), (8, 3)),  # 2.5 columns
        ("half_even", (16, 5), (8, 2)),
        ("half_even", (16, 7), (8, 4)),  # 3.5
        ("half_even", (1, 1000), (1, 8)),
        ("half_even", (300, 420), (6, 8)),
    ],
)
def test_halves_of_pixels_are_rounded_as_the_letterbox_says(rounding, size, sides):
    fit = replace(SQUARE, letterbox=Letterbox(rounding=rounding)).fit(size)
    assert (fit.height, fit.width) == sides


def test_the_usual_rounding_is_not_written_and_the_other_is():
    usual = replace(SQUARE, letterbox=Letterbox()).to_record()
    other = replace(SQUARE, letterbox=Letterbox(rounding="half_even"))
    assert "rounding" not in usual["letterbox"]
    assert image_from_record(json.loads(json.dumps(other.to_record()))) == other


def test_another_rounding_is_refused():
    with pytest.raises(
        ContractError, match="the rounding of a letterbox is 'down'; it must be one of half_up, half_even"
    ):
        Letterbox(rounding="down")
