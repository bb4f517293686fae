"""The crop: the central square of an image that a classifier sees."""

import json
from dataclasses import replace

import numpy as np
import pytest

from detlite.runtime.contract import Contract, contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.image.preprocess import central_square, preprocess
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.segmentation import Segmentation
from detlite.runtime.tensors import Output

SQUARE = ImageInput("image", 4, 4, "RGB", "float32", (0.0,) * 3, (1.0,) * 3, "half_pixel_bilinear", crop=0.5)


@pytest.mark.parametrize(
    ("size", "share", "corner", "side"),
    [
        ((300, 420), 0.875, (18, 78), 262),  # 262.5, and 18.75 and 78.75 before it: all truncated
        ((8, 12), 0.5, (2, 4), 4),
        ((5, 5), 1.0, (0, 0), 5),
        ((1, 9), 0.5, (0, 4), 1),
    ],
)
def test_the_square_is_in_the_middle_and_its_numbers_are_truncated(size, share, corner, side):
    rows, columns = np.indices(size)
    image = np.stack([rows % 256, columns % 256, rows * 0], axis=-1).astype(np.uint8)
    found = central_square(image, share)
    assert found.shape == (side, side, 3)
    assert tuple(found[0, 0, :2]) == (corner[0] % 256, corner[1] % 256)


def test_the_input_shows_the_square_alone():
    image = np.zeros((8, 12, 3), np.uint8)
    image[2:6, 4:8] = 200
    assert (preprocess(image, SQUARE) == 200).all()


def test_the_whole_image_counts_as_the_input():
    assert SQUARE.fit((8, 12)).is_whole


@pytest.mark.parametrize("changes", [{"crop": 0.0}, {"crop": 1.5}, {"letterbox": Letterbox()}])
def test_a_crop_is_a_share_and_no_letterbox(changes):
    with pytest.raises(ContractError, match="want a share of 0 to 1, alone"):
        replace(SQUARE, **changes)


def classifier(image):
    scores = (Output("class_scores", "scores", 0, (1, 2), "float32"),)
    return Contract((image,), scores, ("cat", "dog"), Classification("SOFTMAX", "model"))


def test_a_crop_comes_back_from_json_and_none_is_not_written():
    text = classifier(SQUARE).to_json()
    assert contract_from_json(text).image == SQUARE
    assert "crop" not in json.loads(classifier(replace(SQUARE, crop=None)).to_json())["inputs"][0]


def test_only_a_classifier_has_a_crop():
    scores = (Output("class_scores", "scores", 0, (1, 4, 4, 2), "float32"),)
    with pytest.raises(ContractError, match="a crop of images for segmentation"):
        Contract((SQUARE,), scores, ("cat", "dog"), Segmentation())
