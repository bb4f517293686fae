"""Label maps: how scores grow to the image, what is recorded, and what is refused."""

import numpy as np
import pytest
from builders.tiny_tasks import tiny_task

from detlite.runtime.errors import ContractError
from detlite.runtime.image.resize import nearest, resize_map
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.session import postprocess
from detlite.runtime.task import Found
from detlite.runtime.tasks.segmentation import LabelMap, Segmentation

LABELS = ("sky", "road")


def fit(size, *, height=4, width=4, letterbox=None):
    image = ImageInput(
        "image", height, width, "GRAY", "float32", (0.0,), (1.0,), "tf1_bilinear", None, letterbox=letterbox
    )
    return image.fit(size)


def test_a_class_map_takes_the_images_size():
    heads = {"class_map": np.array([[0, 1], [1, 0]], np.float32)}
    found = Segmentation().result(heads, LABELS, fit((4, 6)))
    assert found.classes.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[1, 1, 1, 0, 0, 0]] * 2


def test_padding_is_cut_off_before_the_map_takes_the_images_size():
    heads = {"class_map": np.array([[0, 0], [1, 1]], np.float32)}
    found = Segmentation().result(heads, LABELS, fit((2, 4), letterbox=Letterbox("bottom_right")))
    assert found.classes.tolist() == [[0] * 4] * 2


def test_logits_grow_before_the_best_class_is_taken():
    """Between 0 | 1 and 0 | -3 the border is at a quarter of the way."""
    logits = np.zeros((1, 2, 2), np.float32)
    logits[0, :, 1] = (1.0, -3.0)
    found = Segmentation("align_corners_bilinear").result(
        {"class_scores": logits}, LABELS, fit((1, 9), height=1, width=9)
    )
    assert found.classes.tolist() == [[1, 1, 0, 0, 0, 0, 0, 0, 0]]


def test_the_score_of_a_class_is_the_mean_of_its_pixels():
    scores = np.array([[[0.9, 0.1], [0.7, 0.3]], [[0.2, 0.8], [0.6, 0.4]]], np.float32)
    task = Segmentation(score_converter_place="model")
    found = task.result({"class_scores": scores}, LABELS, fit((2, 2), height=2, width=2))
    np.testing.assert_allclose(found.scores, [(0.9 + 0.7 + 0.6) / 3, 0.8], rtol=1e-6)


def test_a_region_has_the_box_around_its_pixels():
    classes = np.zeros((4, 8), np.uint16)
    classes[1:3, 2:4] = 1
    found = list(LabelMap(classes, np.array([0.5, 0.9], np.float32), LABELS).above(0.6))
    assert found == [Found("road", 1, pytest.approx(0.9), (0.25, 0.25, 0.75, 0.5))]


def test_a_map_is_recorded_as_runs():
    record = LabelMap(np.array([[0, 0, 1], [1, 1, 1]], np.uint16), np.ones(2, np.float32)).to_record()
    assert (record["map_size"], record["values"], record["lengths"]) == ([2, 3], [0, 1], [2, 4])


def test_the_nearest_sample_is_the_one_that_holds_the_centre():
    assert nearest(2, 5).tolist() == [0, 0, 1, 1, 1]
    assert nearest(5, 2).tolist() == [1, 3]


def test_a_map_grows_between_its_corners():
    values = np.array([[[0.0], [4.0]]], np.float32)
    assert resize_map(values, 1, 5, "align_corners_bilinear").ravel().tolist() == [0, 1, 2, 3, 4]
    assert resize_map(values, 1, 4, "half_pixel_bilinear").ravel().tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("rule", ["tf1_bilinear", "half_pixel_bilinear", "align_corners_bilinear"])
def test_a_map_grows_as_tensorflow_says(rule):
    tensorflow = pytest.importorskip("tensorflow")
    values = np.random.default_rng(0).normal(size=(1, 5, 7, 2)).astype(np.float32)
    how = {"align_corners": rule == "align_corners_bilinear", "half_pixel_centers": rule == "half_pixel_bilinear"}
    want = tensorflow.raw_ops.ResizeBilinear(images=values, size=(13, 20), **how)[0]
    np.testing.assert_allclose(resize_map(values[0], 13, 20, rule), want, atol=1e-5)


def test_without_a_size_the_image_has_the_inputs():
    model = tiny_task("segmentation")
    heads = {"class_scores": np.zeros((8, 8, 3), np.float32)}
    assert postprocess(heads, model.contract).classes.shape == (16, 16)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c.with_task(resize="bicubic"), "the resize rule of the map is 'bicubic'; it must be one of"),
        (lambda c: type(c)(c.inputs, c.outputs, c.labels[:2], c.task), r"want \(1, height, width, 2\)"),
        (lambda c: type(c)(c.inputs, (), c.labels, c.task), "want .'class_scores',. or .'class_map',."),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change, error):
    with pytest.raises(ContractError, match=error):
        change(tiny_task("segmentation").contract)
