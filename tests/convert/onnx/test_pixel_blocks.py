"""The first convolution of an int8 model in ONNX: blocks of pixels give the same sums of integers."""

import numpy as np
import pytest
from builders.float_models import RELU6, SAME, VALID, FloatNet, images, run, snr_db
from builders.onnx_models import onnx_of, run_onnx
from builders.operator_cases import quantized

from detlite.convert.onnx.operators.pixel_blocks import PixelBlocks

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def sums(image, kernel, strides, pads):
    """A convolution of integers: *image* (height, width, channels), *kernel* (outputs, height, width, channels)."""
    outputs, height, width, _channels = kernel.shape
    padded = np.pad(image, (pads[0], pads[1], (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(0, 1))
    found = np.einsum("yxchw,ohwc->yxo", windows[:: strides[0], :: strides[1]], kernel)
    assert found.shape[2] == outputs
    return found


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(("window", "before", "after"), [(3, 0, 1), (3, 1, 1), (1, 0, 0), (7, 3, 3), (5, 1, 2)])
def test_a_convolution_of_blocks_has_the_sums_of_one_of_pixels(channels, stride, window, before, after):
    chance = np.random.default_rng(0)
    image = chance.integers(-128, 128, (6, 16, channels))
    codes = chance.integers(-127, 128, (5, 3, window, channels)).astype(np.int8)
    blocks = PixelBlocks(4, 4 // stride, stride, window, before)
    width = 16 // stride  # of the output; the padding at the end is as much as that needs
    end = max((width - 1) * stride + window - 16 - before, 0)
    want = sums(image, codes.astype(np.int64), (1, stride), ((1, 1), (before, max(end, after))))[:, :width]
    cells = image.reshape(6, 4, 4 * channels)
    kernel = blocks.kernel(codes).transpose(0, 2, 3, 1).astype(np.int64)
    got = sums(cells, kernel, (1, 1), ((1, 1), (-blocks.first, blocks.last)))
    np.testing.assert_array_equal(got.reshape(6, width, 5), want)


def network(shape=(1, 8, 8, 3), window=3, stride=2, padding=SAME):
    """A convolution of the image, and a second one."""
    net = FloatNet(shape)
    weights = net.constant(net.chance.normal(0, 0.3, (6, window, window, shape[3])).astype(np.float32))
    bias = net.constant(net.chance.normal(0, 0.3, 6).astype(np.float32))
    short = 0 if padding == SAME else window - 1
    sides = [-(-(side - short) // stride) for side in shape[1:3]]
    settings = {"strideH": stride, "strideW": stride, "padding": padding, "fusedActivationFunction": RELU6}
    (first,) = net.add("CONV_2D", [net.image, weights, bias], [(1, *sides, 6)], "Conv2DOptions", **settings)
    return net.finish(net.conv(first, 4))


def first_kernel(model):
    """The shape of the weights of the first convolution, in NCHW."""
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    return arrays[makers[conv.input[1]].input[0]].shape


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ({}, (12, 12, 3, 2)),
        ({"stride": 1}, (24, 12, 3, 3)),
        ({"window": 5}, (12, 12, 5, 3)),
        ({"window": 1}, (12, 12, 1, 1)),
        ({"shape": (1, 8, 8, 1)}, (12, 4, 3, 2)),
        ({"shape": (1, 8, 8, 2)}, (6, 4, 3, 2)),
        ({"shape": (1, 6, 12, 3)}, (12, 12, 3, 2)),
        ({"shape": (1, 8, 10, 3)}, (6, 3, 3, 3)),  # rows of two and a half blocks
        ({"shape": (1, 8, 8, 4)}, (6, 4, 3, 3)),
        ({"padding": VALID}, (6, 3, 3, 3)),  # its rows are shorter
        ({"stride": 3, "shape": (1, 12, 12, 3)}, (6, 3, 3, 3)),
    ],
)
def test_an_int8_image_is_read_in_blocks_where_its_rows_are_whole_ones(options, kernel):
    shape = options.get("shape", (1, 8, 8, 3))
    data, (image, *_others) = quantized(network(**options), images(shape)), images(shape)
    model = onnx_of(data)
    assert first_kernel(model) == kernel
    for want, got in zip(run(data, image), run_onnx(model, image), strict=True):
        assert snr_db(want, got) > 28


@pytest.mark.parametrize("scheme", ["int8-float-bias"])
def test_tensorrt_gets_the_image_as_it_is(scheme):
    model = onnx_of(quantized(network(), images(), scheme=scheme))
    assert first_kernel(model) == (6, 3, 3, 3)


def test_a_batch_of_images_is_read_in_blocks_too():
    data, given = quantized(network(), images()), images(count=3)
    (got,) = run_onnx(onnx_of(data, batch=3), np.concatenate(given))
    alone = onnx_of(data)
    for place, image in enumerate(given):
        np.testing.assert_array_equal(got[place], run_onnx(alone, image)[0][0])
