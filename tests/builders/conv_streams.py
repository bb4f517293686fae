"""A small network for streams with each kind of state: a buffer of frames, a running mean, a count of frames."""

from collections.abc import Sequence

import numpy as np

from builders.float_models import NONE, RELU6, VALID, FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.arrays import Doubles
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

SIDE, CHANNELS, CLASSES = 8, 4, 5
STEP = {"step": "made in a test", "input_sha256": "0" * 64}
IMAGE = ImageInput("image", SIDE, SIDE, "RGB", "float32", (0.0,) * 3, (255.0,) * 3, "tf1_bilinear")
BUFFER, MEAN, COUNT = 1, 2, 3
"""The numbers of the states among the inputs, and among the outputs."""


def conv_stream(*, buffer_kind: str = "CONCATENATION", spread: Sequence[float] = ()) -> Model:
    """A stream whose logits depend on the last three frames, and on the mean of all.

    The buffer joins what it keeps with the new frame by the operator *buffer_kind*.
    With *spread*, the channels of what the last three frames give are so many times as large, a hard swish follows,
    and all of them matter as much to the logits.
    """
    net = FloatNet((1, SIDE, SIDE, 3))
    pixels = SIDE * SIDE
    buffer = net.tensor("buffer", (1, 2, pixels, CHANNELS))
    mean = net.tensor("mean", (1, 1, 1, CHANNELS))
    count = net.tensor("count", (1, 1, 1, 1))
    x = _product_swish(net, net.conv(net.image, CHANNELS))
    rows = net.reshape(x, (1, 1, pixels, CHANNELS))
    joined = net.add(buffer_kind, [buffer, rows], [(1, 3, pixels, CHANNELS)], "ConcatenationOptions", axis=1)[0]
    kept = _last_two(net, joined)
    factors = np.array(spread or [1.0] * CHANNELS)
    y = _temporal(net, joined, factors)
    y = _product_swish(net, y) if spread else y
    means = net.add(
        "MEAN", [y, net.constant(np.array([1, 2]))], [(1, 1, 1, CHANNELS)], "ReducerOptions", keepDims=True
    )[0]
    number = net.add("ADD", [count, net.constant(np.ones((1, 1, 1, 1)))], [(1, 1, 1, 1)], "AddOptions")[0]
    difference = net.add("SUB", [mean, means], [net.shape(mean)], "SubOptions")[0]
    step = net.add("DIV", [difference, number], [net.shape(mean)], "DivOptions")[0]
    following = net.add("SUB", [mean, step], [net.shape(mean)], "SubOptions", name="mean_next")[0]
    both = net.add("CONCATENATION", [following, means], [(1, 1, 1, 2 * CHANNELS)], "ConcatenationOptions", axis=3)[0]
    weights = net.chance.normal(0, 0.3, (CLASSES, 1, 1, 2 * CHANNELS)) / np.tile(factors, 2)
    logits = net.reshape(net.conv(both, CLASSES, window=1, weights=weights, name="classes"), (1, CLASSES))
    made = load(net.finish(logits, kept, following, number), "made in a test")
    made.subgraphs[0].inputs = [net.image, buffer, mean, count]
    states = (
        StateInput("buffer", net.shape(buffer), "float32", BUFFER),
        StateInput("mean", net.shape(mean), "float32", MEAN),
        StateInput("count", net.shape(count), "float32", COUNT),
    )
    output = Output("class_scores", "class_scores", 0, (1, CLASSES), "float32")
    labels = tuple(f"thing {i}" for i in range(CLASSES))
    contract = Contract((IMAGE, *states), (output,), labels, Classification("SOFTMAX", "host"))
    return Model(dump(made), "tflite", contract, (STEP,))


def _product_swish(net: FloatNet, x: int) -> int:
    """Six times the hard swish of *x*, as MoViNets have it."""
    gate = net.add(
        "ADD", [x, net.constant(np.float32(3))], [net.shape(x)], "AddOptions", fusedActivationFunction=RELU6
    )[0]
    return net.add("MUL", [x, gate], [net.shape(x)], "MulOptions")[0]


def _last_two(net: FloatNet, joined: int) -> int:
    _one, frames, pixels, channels = net.shape(joined)
    begin, end, stride = ((0, 1, 0, 0), (1, frames, pixels, channels), (1, 1, 1, 1))
    corners = [net.constant(np.array(one)) for one in (begin, end, stride)]
    return net.add(
        "STRIDED_SLICE",
        [joined, *corners],
        [(1, frames - 1, pixels, channels)],
        "StridedSliceOptions",
        name="buffer_next",
    )[0]


def _temporal(net: FloatNet, joined: int, factors: Doubles) -> int:
    _one, frames, pixels, channels = net.shape(joined)
    weights = net.constant((net.chance.normal(0, 0.3, (1, frames, 1, channels)) * factors).astype(np.float32))
    y = net.add(
        "DEPTHWISE_CONV_2D",
        [joined, weights, net.constant(np.zeros(channels, np.float32))],
        [(1, 1, pixels, channels)],
        "DepthwiseConv2DOptions",
        padding=VALID,
        strideH=1,
        strideW=1,
        depthMultiplier=1,
        fusedActivationFunction=NONE,
    )[0]
    return net.reshape(y, (1, SIDE, SIDE, channels))
