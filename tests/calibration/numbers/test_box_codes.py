"""Box codes of int8 models that use the whole range, and the anchors that decode them."""

import dataclasses

import numpy as np
import pytest
from builders.float_detector import contract, detector, write_images
from builders.float_models import RELU6, FloatNet

from detlite.accuracy.anchors import are_rescaled, coded_alike
from detlite.accuracy.images import Images
from detlite.accuracy.output_error import output_error, sure_outputs
from detlite.accuracy.outputs import contract_findings
from detlite.calibration.quantize import quantize
from detlite.calibration.recipe import Recipe
from detlite.convert.load import with_heads
from detlite.convert.model import Model, session_of
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads
from detlite.runtime.boxes.coding import BoxCoder, decode
from detlite.runtime.errors import InputError, UnknownNameError
from detlite.runtime.image.read import read_image


def wide_sizes():
    """Return a detector whose codes of sizes reach four times as far as those of centres."""
    return detector(columns=(0.1, 0.1, 0.4, 0.4))


@pytest.fixture
def images(tmp_path):
    return Images(write_images(tmp_path), "made in a test")


def heads(model, images):
    session, found = session_of(model), []
    for path in images.paths:
        pixels = read_image(path)
        session.invoke(session.preprocess(pixels), pixels.shape[:2])
        found.append({role: np.array(value) for role, value in session.heads().items()})
    return found


def rms_of_boxes(made, model, images):
    pairs = zip(heads(model, images), heads(made, images), strict=True)
    errors = [sure_outputs(model.contract, want).errors(got, made.contract) for want, got in pairs]
    return output_error(errors).heads["box_encodings"].rms


def two(images, **recipe):
    return [
        quantize(wide_sizes(), images, Recipe(io="float32", box_codes=one, **recipe)).model
        for one in ("as-trained", "rescaled")
    ]


def test_rescaled_codes_have_less_error_in_the_float_models_codes(images):
    as_trained, rescaled = two(images)
    assert rms_of_boxes(rescaled, wide_sizes(), images) < 0.9 * rms_of_boxes(as_trained, wide_sizes(), images)


def boxes_of(model, images):
    task = model.contract.task
    return np.array([decode(one["box_encodings"], task.anchors, task.box_coder) for one in heads(model, images)])


def test_rescaled_codes_decode_to_nearer_boxes(images):
    want, *found = (boxes_of(model, images) for model in (wide_sizes(), *two(images)))
    as_trained, rescaled = (np.square(one - want).mean() for one in found)
    assert rescaled < 0.8 * as_trained


def test_columns_that_reach_as_far_as_each_other_are_left_alone(images):
    made = quantize(detector(), images, Recipe(heads="postprocess"))
    assert not are_rescaled(made.model.contract)


def test_only_the_codes_and_what_decodes_them_change(images):
    as_trained, rescaled = (one.contract for one in two(images))
    before, after = as_trained.task, rescaled.task
    assert (after.anchors[:, :2] == before.anchors[:, :2]).all()
    ratios = after.anchors[:, 2:] / before.anchors[:, 2:]
    assert np.ptp(ratios, axis=0) == pytest.approx(0, abs=1e-6)
    assert dataclasses.replace(after, anchors=before.anchors, box_coder=before.box_coder).nms == before.nms
    assert (are_rescaled(as_trained), are_rescaled(rescaled)) == (False, True)


def test_scores_and_weights_are_the_same_bit_for_bit(images):
    as_trained, rescaled = two(images)
    for want, got in zip(heads(as_trained, images), heads(rescaled, images), strict=True):
        assert (want["class_scores"] == got["class_scores"]).all()


def test_raw_heads_keep_their_codes_and_the_op_rescales_them_unless_told(images):
    assert not are_rescaled(quantize(wide_sizes(), images, Recipe()).model.contract)
    assert are_rescaled(quantize(wide_sizes(), images, Recipe(heads="postprocess")).model.contract)
    recipe = Recipe(heads="postprocess", box_codes="as-trained")
    assert not are_rescaled(quantize(wide_sizes(), images, recipe).model.contract)


def test_the_op_decodes_as_the_runtime_does(images):
    made = quantize(wide_sizes(), images, Recipe(heads="postprocess", io="float32")).model
    raw = with_heads(made, "raw")
    found = heads(made, images)[0]["boxes"][:5]
    distances = np.abs(found[:, None] - boxes_of(raw, images)[0]).max(axis=2)
    assert distances.min(axis=1) == pytest.approx(0, abs=1e-5)


def test_the_error_of_a_quantization_is_that_of_the_rescaled_codes(images):
    as_trained, rescaled = (
        quantize(wide_sizes(), images, Recipe(heads="postprocess", box_codes=one)) for one in ("as-trained", "auto")
    )
    assert rescaled.error.heads["box_encodings"].rms < as_trained.error.heads["box_encodings"].rms
    assert rescaled.model.history[-2]["box_codes"] == "rescaled"


def test_a_comparison_finds_no_difference_in_the_contracts(images):
    as_trained, rescaled = (one.contract for one in two(images))
    assert list(contract_findings(as_trained, rescaled)) == []
    other = rescaled.with_task(anchors=rescaled.task.anchors + np.float32(0.1))
    assert next(contract_findings(as_trained, other)).startswith("anchors: up to 0.1 apart")


def test_the_same_images_give_the_same_bytes(images):
    first, second = (quantize(wide_sizes(), images, Recipe(box_codes="rescaled")).model for _ in range(2))
    assert (first.data, first.contract.to_json()) == (second.data, second.contract.to_json())


def test_twin_channels_are_kept(images):
    made = quantize(wide_sizes(), images, Recipe(box_codes="rescaled", twin_channels="all", io="float32")).model
    assert made.history[-1]["twin_channels"] == ["first", "differences", "features"]
    assert rms_of_boxes(made, wide_sizes(), images) < rms_of_boxes(two(images)[1], wide_sizes(), images)


@pytest.mark.parametrize("options", [{"method": "converter"}, {"scheme": "int16x8"}, {"floating": ("boxes",)}])
def test_models_that_cannot_have_them_are_refused(images, options):
    with pytest.raises(InputError, match="--box-codes rescaled needs the scheme int8"):
        quantize(wide_sizes(), images, Recipe(box_codes="rescaled", **options))


def two_levels(reads_codes=False):
    """Return a detector with maps of two sizes, whose heads have the same weights and biases of their own.

    With *reads_codes* the scores are computed of the box codes, too.
    """
    net = FloatNet((1, 16, 16, 3))
    large = net.conv(net.image, 8, stride=2, activation=RELU6)
    maps = [large, net.conv(large, 8, stride=2, activation=RELU6)]
    weights = net.chance.normal(0, 0.3, (1, 1, 1, 8)) * np.array([0.1, 0.1, 0.4, 0.4])[:, None, None, None]
    codes = [
        net.reshape(net.conv(one, 4, window=1, weights=weights, bias=np.zeros(4)), (1, net.shape(one)[1] ** 2, 4))
        for one in maps
    ]
    boxes = net.add("CONCATENATION", codes, [(1, 80, 4)], "ConcatenationOptions", axis=1)[0]
    logits = [net.reshape(net.conv(one, 4, window=1), (1, net.shape(one)[1] ** 2, 4)) for one in maps]
    joined = net.add("CONCATENATION", logits, [(1, 80, 4)], "ConcatenationOptions", axis=1)[0]
    if reads_codes:
        joined = net.add("ADD", [joined, boxes], [(1, 80, 4)], "AddOptions")[0]
    model = load(net.finish(boxes, net.add("LOGISTIC", [joined], [(1, 80, 4)])[0]), "made in a test")
    outputs = model.subgraphs[0].outputs
    name_heads(model, {"box_encodings": int(outputs[0]), "class_scores": int(outputs[1])})
    given = contract()
    task = dataclasses.replace(given.task, anchors=np.concatenate([given.task.anchors, given.task.anchors[:16]]))
    ends = tuple(dataclasses.replace(one, shape=(1, 80, 4)) for one in given.outputs)
    return Model(dump(model), "tflite", dataclasses.replace(given, outputs=ends, task=task), ())


def test_heads_with_the_same_weights_are_rescaled_once(images):
    as_trained, rescaled = (
        quantize(two_levels(), images, Recipe(io="float32", method="nearest", box_codes=one)).model
        for one in ("as-trained", "rescaled")
    )
    kernels = [int(one.inputs[1]) for one in rescaled.file.subgraph.operators if len(one.inputs) == 3]
    assert len(kernels) > len(set(kernels))
    assert rms_of_boxes(rescaled, two_levels(), images) < 0.9 * rms_of_boxes(as_trained, two_levels(), images)


def test_codes_that_are_read_for_something_else_are_left_alone(images):
    with pytest.raises(InputError, match="--box-codes rescaled needs"):
        quantize(two_levels(reads_codes=True), images, Recipe(box_codes="rescaled"))
    assert not are_rescaled(quantize(two_levels(reads_codes=True), images, Recipe(heads="postprocess")).model.contract)


def test_an_unknown_choice_is_refused():
    with pytest.raises(UnknownNameError, match="no choice of box codes is called 'other'"):
        Recipe(box_codes="other")


def test_codes_for_other_anchors_are_of_the_same_box():
    task = wide_sizes().contract.task
    other = dataclasses.replace(task, anchors=task.anchors * np.float32(1.5), box_coder=BoxCoder(1, 2, 3, 4))
    codes = np.random.default_rng(0).normal(0, 1, (len(task.anchors), 4)).astype(np.float32)
    made = coded_alike({"box_encodings": codes}, task, other)["box_encodings"]
    assert decode(made, other.anchors, other.box_coder) == pytest.approx(
        decode(codes, task.anchors, task.box_coder), abs=1e-5
    )


def test_the_same_anchors_leave_codes_as_they_are():
    task, found = wide_sizes().contract.task, {"box_encodings": np.ones((64, 4), np.float32)}
    assert coded_alike(found, task, task) is found
