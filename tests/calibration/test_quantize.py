"""From a float detector and images to an int8 artifact."""

import dataclasses

import numpy as np
import pytest
from builders.float_detector import detector, write_images
from builders.image_files import picture, save_oriented
from builders.tiny_tasks import tiny_task
from PIL import Image

from detlite.accuracy.images import Images
from detlite.calibration.quantize import quantize
from detlite.calibration.ranges.ranges import Range
from detlite.calibration.recipe import Recipe
from detlite.convert.tflite.describe import describe
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.tasks.detection import Detection
from detlite.runtime.tasks.instances import Instances
from detlite.runtime.tensors import Output


@pytest.fixture
def images(tmp_path):
    return Images(write_images(tmp_path), "made in a test")


def test_the_contract_has_the_scale_of_the_pixels(images):
    image = quantize(detector(), images, Recipe()).model.contract.image
    assert (image.dtype, image.mean, image.std) == ("int8", (127.0,) * 3, (127.5,) * 3)
    assert image.quantization.zero_point == -1
    assert image.quantization.scale == pytest.approx(1 / 127.5)


def test_photographs_are_calibrated_with_upright(tmp_path):
    turned = Images((save_oriented(tmp_path / "a.png", picture(1), 6),), "made in a test")
    Image.fromarray(np.rot90(picture(1), -1)).save(tmp_path / "b.png")
    upright = Images((tmp_path / "b.png",), "made in a test")
    one, other = (quantize(detector(), images, Recipe()).model for images in (turned, upright))
    assert one.data == other.data
    assert one.history[-1]["orientation"] == "upright"
    assert one.history[-1]["oriented_images"] == 1
    assert "orientation" not in other.history[-1]


def test_images_of_a_labelled_set_are_calibrated_with_as_stored(tmp_path):
    turned = Images((save_oriented(tmp_path / "a.png", picture(1), 6),), "made in a test", upright=False)
    Image.fromarray(picture(1)).save(tmp_path / "b.png")
    stored = Images((tmp_path / "b.png",), "made in a test")
    one, other = (quantize(detector(), images, Recipe()).model for images in (turned, stored))
    assert one.data == other.data
    assert one.history[-1]["orientation"] == "stored"


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_input_and_heads_have_the_dtype_that_is_asked_for(images, io):
    contract = quantize(detector(), images, Recipe(io=io)).model.contract
    assert contract.image.dtype == io
    assert {output.dtype for output in contract.outputs} == {io}


def test_an_int8_model_has_no_float_operator(images):
    facts = describe(quantize(detector(), images, Recipe()).model.data, "int8")
    assert (facts.float_operators, facts.quantization) == (0, "int8")


def test_the_same_images_give_the_same_bytes(images):
    one, other = (quantize(detector(), images, Recipe()).model.data for _ in range(2))
    assert one == other


def test_a_range_file_stands_for_the_ranges_of_the_images(images):
    first = quantize(detector(), images, Recipe())
    again = quantize(detector(), images, Recipe(), ranges=first.ranges)
    assert again.model.data == first.model.data


def test_other_ranges_give_another_model(images):
    first = quantize(detector(), images, Recipe())
    wider = {name: Range(2 * one.low, 2 * one.high) for name, one in first.ranges.tensors.items()}
    ranges = dataclasses.replace(first.ranges, tensors=wider)
    assert quantize(detector(), images, Recipe(), ranges=ranges).model.data != first.model.data


def test_the_ranges_of_another_model_are_refused(images):
    ranges = quantize(detector(), images, Recipe()).ranges
    with pytest.raises(InputError, match="the ranges belong to another model"):
        quantize(detector(seed=1), images, Recipe(), ranges=ranges)


@pytest.mark.parametrize("lacking", ["differences", "box_encodings", "reshape_6"])
def test_ranges_that_lack_a_tensor_are_refused(images, lacking):
    ranges = quantize(detector(), images, Recipe()).ranges
    fewer = {name: one for name, one in ranges.tensors.items() if name != lacking}
    with pytest.raises(InputError, match=f"the ranges lack the tensor {lacking}: they belong to another model"):
        quantize(detector(), images, Recipe(), ranges=dataclasses.replace(ranges, tensors=fewer))


def test_a_model_that_is_quantized_already_is_refused(images):
    made = quantize(detector(), images, Recipe(io="float32")).model
    with pytest.raises(InputError, match="is quantized already: its CONV_2D reads int8; give the float32 model"):
        quantize(made, images, Recipe())


def test_an_unknown_operator_to_leave_float_is_told_with_the_nearest_name(images):
    with pytest.raises(UnknownNameError, match="no operator is called 'diferences'; did you mean 'differences'"):
        quantize(detector(), images, Recipe(floating=("diferences",)))


def test_what_was_left_float_stands_in_the_history(images):
    made = quantize(detector(), images, Recipe(floating=("DEPTHWISE_CONV_2D",))).model
    assert made.history[-1]["float_operators"] == ["differences"]


def test_a_head_that_is_left_float_is_returned_as_it_is(images):
    made = quantize(detector(), images, Recipe(io="float32", floating=("class_scores",))).model
    operators = describe(made.data, "mixed").operators
    assert (operators["QUANTIZE"], operators["DEQUANTIZE"]) == (1, 2)  # the image; the logits, and the boxes


def test_one_image_is_enough_to_quantize(images):
    assert describe(quantize(detector(), Images(images.paths[:1], ""), Recipe()).model.data, "x").quantization == "int8"


def test_black_images_give_a_model_and_no_crash(tmp_path):
    np.save(tmp_path / "black.npy", np.zeros((16, 16, 3), np.uint8))
    made = quantize(detector(), Images((tmp_path / "black.npy",), ""), Recipe())
    assert describe(made.model.data, "int8").quantization == "int8"


def test_a_mean_of_each_channel_gives_one_scale_that_holds_all_pixels(images):
    model = detector()
    image = dataclasses.replace(model.contract.image, mean=(123.68, 116.78, 103.94), std=(1.0,) * 3)
    model = dataclasses.replace(model, contract=model.contract.with_image(image))
    made = quantize(model, images, Recipe()).model.contract.image
    assert made.mean == (123.68, 116.78, 103.94)
    assert made.quantization.scale * (127 - made.quantization.zero_point) >= 255 - 103.94 - 1.1


def test_peaks_in_a_network_with_masks_have_no_int8_form(images):
    made = tiny_task("instances")
    nms = Nms(kind="peaks", place="model", cells=(2, 2))
    detection = Detection(np.zeros((4, 4), np.float32), BoxCoder(), "SIGMOID", "model", 0, nms)
    shapes = {"boxes": (1, 5, 4), "classes": (1, 5), "scores": (1, 5), "count": (1,), "masks": (1, 5, 3, 3)}
    outputs = tuple(Output(role, role, number, shape, "float32") for number, (role, shape) in enumerate(shapes.items()))
    contract = dataclasses.replace(made.contract, outputs=outputs, task=Instances(detection, (3, 3)))
    deepmac = dataclasses.replace(made, contract=contract)
    with pytest.raises(InputError, match=r"no int8 form \(a DeepMAC\): use --scheme float16 or dynamic"):
        quantize(deepmac, images, Recipe())
