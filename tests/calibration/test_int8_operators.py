"""Every operator of an SSD in int8: what it computes is what it computed."""

import numpy as np
import pytest
from float_models import RELU6, SAME, FloatNet, images, run, snr_db

from detlite.calibration.methods.bias_correction import PLUGIN
from detlite.calibration.models import FloatModel
from detlite.calibration.operators import RULES
from detlite.convert.tflite.describe import describe
from detlite.runtime.contract import ImageInput
from detlite.runtime.errors import InputError

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")
SHAPE = (1, 8, 8, 4)
HALF = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": SAME}
POINT = np.array([1.5, -0.5, 2.0, 0.25], np.float32)


def slices(net, x):
    limits = [net.constant(np.array(v)) for v in ((0, 1, 0, 0), (1, 7, 8, 4), (1, 2, 1, 1))]
    return net.add("STRIDED_SLICE", [x, *limits], [(1, 3, 8, 4)], "StridedSliceOptions")


def transposed(net, x):
    weights = net.chance.normal(0, 0.3, (3, 2, 2, 4)).astype(np.float32)
    return net.add(
        "TRANSPOSE_CONV",
        [net.constant(np.array((1, 16, 16, 3))), net.constant(weights), x],
        [(1, 16, 16, 3)],
        "TransposeConvOptions",
        padding=SAME,
        strideH=2,
        strideW=2,
    )


def connected(net, x):
    flat = net.reshape(x, (1, 256))
    weights, bias = net.chance.normal(0, 0.2, (5, 256)), net.chance.normal(0, 0.2, 5)
    tensors = [flat, net.constant(weights.astype(np.float32)), net.constant(bias.astype(np.float32))]
    return net.add("FULLY_CONNECTED", tensors, [(1, 5)], "FullyConnectedOptions")


def resized(kind, **settings):
    size = np.array((16, 16))
    return lambda net, x: net.add(kind, [x, net.constant(size)], [(1, 16, 16, 4)], **settings)


def unary(kind, options=None, **settings):
    return lambda net, x: net.add(kind, [x], [SHAPE], options, **settings)


def with_point(kind, options=None):
    return lambda net, x: net.add(kind, [x, net.constant(POINT)], [SHAPE], options)


def twice(kind, options=None):
    return lambda net, x: net.add(kind, [x, net.conv(x, 4)], [SHAPE], options)


CASES = {
    "ADD": twice("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": lambda net, x: net.add("AVERAGE_POOL_2D", [x], [(1, 4, 4, 4)], "Pool2DOptions", **HALF),
    "CONCATENATION": lambda net, x: net.add(
        "CONCATENATION", [x, net.conv(x, 2)], [(1, 8, 8, 6)], "ConcatenationOptions", axis=3
    ),
    "CONV_2D": lambda net, x: [net.conv(x, 6, stride=2, activation=RELU6)],
    "DEPTHWISE_CONV_2D": lambda net, x: [net.depthwise(x, activation=RELU6)],
    "FULLY_CONNECTED": connected,
    "HARD_SWISH": unary("HARD_SWISH", "HardSwishOptions"),
    "LEAKY_RELU": unary("LEAKY_RELU", "LeakyReluOptions", alpha=0.1),
    "LOGISTIC": unary("LOGISTIC"),
    "MAXIMUM": with_point("MAXIMUM", "MaximumMinimumOptions"),
    "MAX_POOL_2D": lambda net, x: net.add("MAX_POOL_2D", [x], [(1, 4, 4, 4)], "Pool2DOptions", **HALF),
    "MEAN": lambda net, x: net.add(
        "MEAN", [x, net.constant(np.array((1, 2)))], [(1, 1, 1, 4)], "ReducerOptions", keepDims=True
    ),
    "MINIMUM": with_point("MINIMUM", "MaximumMinimumOptions"),
    "MUL": twice("MUL", "MulOptions"),
    "PACK": lambda net, x: net.add("PACK", [x, x], [(1, 2, 8, 8, 4)], "PackOptions", axis=1, valuesCount=2),
    "PAD": lambda net, x: net.add(
        "PAD", [x, net.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]]))], [(1, 10, 10, 4)]
    ),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6"),
    "RESHAPE": lambda net, x: [net.reshape(x, (1, 64, 4))],
    "RESIZE_BILINEAR": resized("RESIZE_BILINEAR", options="ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": resized("RESIZE_NEAREST_NEIGHBOR", options="ResizeNearestNeighborOptions"),
    "SLICE": lambda net, x: net.add(
        "SLICE", [x, *(net.constant(np.array(v)) for v in ((0, 1, 2, 0), (1, 4, 4, 4)))], [(1, 4, 4, 4)], "SliceOptions"
    ),
    "SOFTMAX": unary("SOFTMAX", "SoftmaxOptions", beta=1.0),
    "SPLIT": lambda net, x: net.add(
        "SPLIT", [net.constant(np.array(3)), x], [(1, 8, 8, 2)] * 2, "SplitOptions", numSplits=2
    ),
    "SQUEEZE": lambda net, x: net.add(
        "SQUEEZE", [x], [(8, 8, 4)], "SqueezeOptions", squeezeDims=np.array([0], np.int32)
    ),
    "STRIDED_SLICE": slices,
    "SUB": with_point("SUB", "SubOptions"),
    "TANH": unary("TANH"),
    "TRANSPOSE": lambda net, x: net.add("TRANSPOSE", [x, net.constant(np.array((0, 3, 1, 2)))], [(1, 4, 8, 8)]),
    "TRANSPOSE_CONV": transposed,
}


def networks(kind):
    net = FloatNet()
    outputs = CASES[kind](net, net.conv(net.image, 4))
    return net.finish(*outputs)


def quantized(data, samples, **options):
    return PLUGIN.quantize(FloatModel(data, INPUT, lambda: iter(samples), **options)).data


@pytest.mark.parametrize("kind", CASES)
def test_an_operator_computes_in_int8_what_it_did_in_float(kind):
    data, samples = networks(kind), images()
    made = quantized(data, samples, estimator="min_max")
    for want, got in zip(run(data, samples[0]), run(made, samples[0]), strict=True):
        assert snr_db(want, got) > 28


@pytest.mark.parametrize("kind", CASES)
def test_no_operator_of_an_int8_model_is_float(kind):
    facts = describe(quantized(networks(kind), images()), "int8")
    assert (facts.float_operators, facts.quantization) == (0, "int8")
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(facts.operators)


def test_an_operator_without_an_int8_form_is_named_with_what_to_do():
    net = FloatNet()
    squared = net.add("EXP", [net.conv(net.image, 4)], [SHAPE], "ExpOptions", name="grown")[0]
    with pytest.raises(InputError, match=r"the operator EXP that makes grown has no int8 form: .* --float EXP"):
        quantized(net.finish(squared), images())


def test_an_operator_that_is_left_float_stands_between_two_conversions():
    net = FloatNet()
    grown = net.add("EXP", [net.conv(net.image, 4)], [SHAPE], "ExpOptions")[0]
    data, samples = net.finish(net.conv(grown, 2)), images()
    made = quantized(data, samples, floating=("EXP",), estimator="min_max")
    facts = describe(made, "mixed")
    assert (facts.operators["DEQUANTIZE"], facts.operators["QUANTIZE"], facts.float_operators) == (1, 1, 1)
    assert snr_db(run(data, samples[0])[0], run(made, samples[0])[0]) > 25


def test_every_rule_of_a_fixed_output_starts_at_its_lowest_code():
    for rule in RULES.values():
        if rule.fixed is not None:
            assert rule.fixed.scale * (127 - rule.fixed.zero_point) == pytest.approx(1 - rule.fixed.scale)
