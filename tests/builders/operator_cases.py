"""One small network for each operator that has a quantized form, and how it is quantized."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from builders.float_models import RELU6, SAME, FloatNet
from detlite.calibration.models import FloatModel, separate
from detlite.calibration.weights.methods.bias_correction import PLUGIN
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.arrays import Floats
from detlite.runtime.inputs import ImageInput

Case = Callable[[FloatNet, int], list[int]]

INPUT = ImageInput("image", 8, 8, "RGB", "float32", (128.0,) * 3, (128.0,) * 3, "tf1_bilinear")
SHAPE = (1, 8, 8, 4)
HALF: dict[str, Any] = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": SAME}
POINT = np.array([1.5, -0.5, 2.0, 0.25], np.float32)


def slices(net: FloatNet, x: int) -> list[int]:
    """A strided slice of every second row."""
    limits = [net.constant(np.array(v)) for v in ((0, 1, 0, 0), (1, 7, 8, 4), (1, 2, 1, 1))]
    return net.add("STRIDED_SLICE", [x, *limits], [(1, 3, 8, 4)], "StridedSliceOptions")


def transposed(net: FloatNet, x: int) -> list[int]:
    """A transposed convolution that doubles the size."""
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


def connected(net: FloatNet, x: int) -> list[int]:
    """A fully connected layer of the flattened map."""
    flat = net.reshape(x, (1, 256))
    weights, bias = net.chance.normal(0, 0.2, (5, 256)), net.chance.normal(0, 0.2, 5)
    tensors = [flat, net.constant(weights.astype(np.float32)), net.constant(bias.astype(np.float32))]
    return net.add("FULLY_CONNECTED", tensors, [(1, 5)], "FullyConnectedOptions")


def in_space(net: FloatNet, x: int) -> int:
    """Blocks of 2 x 2 moved to the batch."""
    inputs = [x, net.constant(np.array((2, 2))), net.constant(np.zeros((2, 2), np.int32))]
    return net.add("SPACE_TO_BATCH_ND", inputs, [(4, 4, 4, 4)])[0]


def resized(kind: str, options: str) -> Case:
    """A resize to 16 x 16."""
    size = np.array((16, 16))
    return lambda net, x: net.add(kind, [x, net.constant(size)], [(1, 16, 16, 4)], options)


def unary(kind: str, options: str | None = None, **settings: Any) -> Case:
    """An operator of one input that keeps its shape."""
    return lambda net, x: net.add(kind, [x], [SHAPE], options, **settings)


def with_point(kind: str, options: str | None = None) -> Case:
    """An operator of a map and one value a channel."""
    return lambda net, x: net.add(kind, [x, net.constant(POINT)], [SHAPE], options)


def twice(kind: str, options: str | None = None) -> Case:
    """An operator of two maps of the same shape."""
    return lambda net, x: net.add(kind, [x, net.conv(x, 4)], [SHAPE], options)


CASES: dict[str, Case] = {
    "ADD": twice("ADD", "AddOptions"),
    "AVERAGE_POOL_2D": lambda net, x: net.add("AVERAGE_POOL_2D", [x], [(1, 4, 4, 4)], "Pool2DOptions", **HALF),
    "CONCATENATION": lambda net, x: net.add(
        "CONCATENATION", [x, net.conv(x, 2)], [(1, 8, 8, 6)], "ConcatenationOptions", axis=3
    ),
    "CONV_2D": lambda net, x: [net.conv(x, 6, stride=2, activation=RELU6)],
    "DEPTHWISE_CONV_2D": lambda net, x: [net.depthwise(x, activation=RELU6)],
    "FULLY_CONNECTED": connected,
    "GELU": unary("GELU", "GeluOptions", approximate=True),
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
    "BATCH_TO_SPACE_ND": lambda net, x: net.add(
        "BATCH_TO_SPACE_ND",
        [in_space(net, x), net.constant(np.array((2, 2))), net.constant(np.zeros((2, 2), np.int32))],
        [SHAPE],
    ),
    "EXPAND_DIMS": lambda net, x: net.add(
        "EXPAND_DIMS", [x, net.constant(np.array(1))], [(1, 1, 8, 8, 4)], "ExpandDimsOptions"
    ),
    "GATHER": lambda net, x: net.add(
        "GATHER", [x, net.constant(np.array((1, 5)))], [(1, 2, 8, 4)], "GatherOptions", axis=1
    ),
    "MIRROR_PAD": lambda net, x: net.add(
        "MIRROR_PAD",
        [x, net.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]]))],
        [(1, 10, 10, 4)],
        "MirrorPadOptions",
    ),
    "PADV2": lambda net, x: net.add(
        "PADV2",
        [x, net.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]])), net.constant(np.array([-1.0]))],
        [(1, 10, 10, 4)],
    ),
    "SPACE_TO_BATCH_ND": lambda net, x: [in_space(net, x)],
    "SPLIT_V": lambda net, x: net.add(
        "SPLIT_V",
        [x, net.constant(np.array((1, 3))), net.constant(np.array(3))],
        [(1, 8, 8, 1), (1, 8, 8, 3)],
        "SplitVOptions",
        numSplits=2,
    ),
    "SUM": lambda net, x: net.add(
        "SUM", [x, net.constant(np.array((1, 2)))], [(1, 1, 1, 4)], "ReducerOptions", keepDims=True
    ),
    "TILE": lambda net, x: net.add("TILE", [x, net.constant(np.array((1, 2, 1, 1)))], [(1, 16, 8, 4)]),
    "UNPACK": lambda net, x: net.add("UNPACK", [x], [(1, 8, 8)] * 4, "UnpackOptions", num=4, axis=3),
}


def networks(kind: str) -> bytes:
    """The float model of the operator *kind*, after one convolution."""
    net = FloatNet()
    outputs = CASES[kind](net, net.conv(net.image, 4))
    return net.finish(*outputs)


def quantized(data: bytes, samples: Sequence[Floats], **options: Any) -> bytes:
    """*data*, quantized with bias correction over *samples*."""
    return PLUGIN.quantize(FloatModel(TfliteFile(data), INPUT, lambda: separate(samples), **options)).file.data
