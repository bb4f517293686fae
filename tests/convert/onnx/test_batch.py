"""A batch in an .onnx file: each image's rows are what a file for one image gives, and what mixes images is refused."""

import numpy as np
import pytest
from builders.float_models import FloatNet, images
from builders.onnx_models import onnx_of, run_onnx
from builders.operator_cases import CASES, networks

from detlite.convert.onnx.batch import RULES
from detlite.convert.onnx.operators.table import WRITERS
from detlite.runtime.errors import InputError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

BATCH = 3
MIXING = {"SQUEEZE"}
"""Cases whose output has no axis for the images."""

TWO_STAGES = {"LESS", "NON_MAX_SUPPRESSION_V4", "TOPK_V2"}
"""Operators of proposals, whose first axis is no image."""


def assert_rows_alike(data, opset=13):
    """Check that a batch of images gives what each of them gives alone."""
    given = images(count=BATCH)
    model = onnx_of(data, opset=opset, batch=BATCH)
    alone = [run_onnx(onnx_of(data, opset=opset), image) for image in given]
    for number, got in enumerate(run_onnx(model, np.concatenate(given))):
        assert got.shape[0] == BATCH
        for place in range(BATCH):
            np.testing.assert_allclose(got[place], alone[place][number][0], atol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind in WRITERS and kind not in MIXING])
def test_an_operator_treats_each_image_alone(kind):
    for opset in (11, 18):
        assert_rows_alike(networks(kind), opset)


def test_every_operator_that_is_written_has_a_rule():
    assert set(RULES) == set(WRITERS) - TWO_STAGES


def test_a_slice_of_rows_keeps_all_images():
    net = FloatNet()
    x = net.conv(net.image, 4)
    limits = [net.constant(np.array(value)) for value in ((0, -1, 1, 0), (1, 0, 2, 4), (1, -2, 1, 1))]
    settings = {"endMask": 1, "shrinkAxisMask": 4}
    assert_rows_alike(
        net.finish(*net.add("STRIDED_SLICE", [x, *limits], [(1, 4, 4)], "StridedSliceOptions", **settings))
    )


def test_a_constant_is_joined_to_each_image():
    net = FloatNet()
    token = net.constant(net.chance.normal(size=(1, 1, 4)).astype(np.float32))
    rows = net.reshape(net.conv(net.image, 4), (1, 64, 4))
    assert_rows_alike(
        net.finish(*net.add("CONCATENATION", [token, rows], [(1, 65, 4)], "ConcatenationOptions", axis=1))
    )


def test_rows_are_normalized_image_by_image():
    net = FloatNet()
    rows = net.reshape(net.conv(net.image, 4), (1, 256))
    assert_rows_alike(net.finish(*net.add("L2_NORMALIZATION", [rows], [(1, 256)], "L2NormOptions")))


def test_products_of_the_images_own_matrices_stay_apart():
    net = FloatNet()
    one = net.reshape(net.conv(net.image, 4), (1, 64, 4))
    other = net.reshape(net.conv(net.image, 4), (1, 4, 64))
    assert_rows_alike(net.finish(*net.add("BATCH_MATMUL", [one, other], [(1, 64, 64)], "BatchMatMulOptions")))


def moved(net, x):
    return net.add("TRANSPOSE", [net.reshape(x, (1, 64, 4)), net.constant(np.array((1, 0, 2)))], [(64, 1, 4)])


def joined_images(net, x):
    return net.add("CONCATENATION", [x, x], [(2, 8, 8, 4)], "ConcatenationOptions", axis=0)


def mean_of_images(net, x):
    return net.add("MEAN", [x, net.constant(np.array((0, 3)))], [(1, 8, 8, 1)], "ReducerOptions", keepDims=True)


def products_of_rows(net, x):
    flat = net.reshape(x, (1, 256))
    return net.add("BATCH_MATMUL", [flat, flat], [(256, 256)], "BatchMatMulOptions", adjX=True)


def padded_images(net, x):
    return net.add("PAD", [x, net.constant(np.array([[1, 0], [0, 0], [0, 0], [0, 0]]))], [(2, 8, 8, 4)])


def other_ranks(net, x):
    return net.add("ADD", [x, net.reshape(net.conv(x, 4), (1, 8, 32))], [(1, 8, 8, 4)], "AddOptions")


def larger_constant(net, x):
    return net.add("ADD", [x, net.constant(np.zeros((2, 8, 8, 4), np.float32))], [(2, 8, 8, 4)], "AddOptions")


def first_gone(net, x):
    return net.add("SQUEEZE", [x], [(8, 8, 4)], "SqueezeOptions", squeezeDims=np.array([0], np.int32))


def best_rows(net, x):
    return net.add("TOPK_V2", [net.reshape(x, (1, 256)), net.constant(np.array(3))], [(1, 3), (1, 3)])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (moved, r"transpose_2 \(TRANSPOSE\) moves the axis of the images"),
        (joined_images, r"concatenation_1 \(CONCATENATION\) works along the axis of the images"),
        (mean_of_images, r"mean_1 \(MEAN\) works along the axis of the images"),
        (products_of_rows, "multiplies matrices that are not of one image"),
        (padded_images, r"pad_1 \(PAD\) works along the axis of the images"),
        (other_ranks, "has tensors with 3 and 4 axes"),
        (larger_constant, r"has a constant of the shape \(2, 8, 8, 4\)"),
        (first_gone, r"squeeze_1 \(SQUEEZE\) has an output without an axis for the images"),
        (best_rows, "has no rule that keeps images apart; export a batch of 1"),
    ],
)
def test_what_mixes_images_is_refused_by_name(make, text):
    net = FloatNet()
    data = net.finish(*make(net, net.conv(net.image, 4)))
    with pytest.raises(InputError, match=text):
        onnx_of(data, batch=2)


def test_an_output_that_is_a_constant_is_refused():
    net = FloatNet()
    anchors = net.constant(np.zeros((1, 4), np.float32), name="anchors")
    with pytest.raises(InputError, match="the output anchors is a constant: no batch is made"):
        onnx_of(net.finish(net.conv(net.image, 4), anchors), batch=2)
