"""Tiny classifiers of clips with layers to quantize."""

from collections.abc import Sequence

import numpy as np

from builders.float_models import FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

SIDE, FRAMES, CLASSES = 8, 3, 4
STEP = {"step": "made in a test", "input_sha256": "0" * 64}
IMAGE = ImageInput("clip", SIDE, SIDE, "RGB", "float32", (127.5,) * 3, (127.5,) * 3, "tf1_bilinear")


def clip_classifier() -> Model:
    """Three frames, side by side in the channels, two convolutions, and a score for each of four classes."""
    net = FloatNet((1, FRAMES, SIDE, SIDE, 3), "clip")
    x = net.conv(net.reshape(net.image, (1, SIDE, SIDE * FRAMES, 3)), 6, name="first")
    x = net.conv(x, CLASSES, window=1, name="second")
    mean = net.add("MEAN", [x, net.constant(np.array([1, 2]))], [(1, CLASSES)], "ReducerOptions")[0]
    return _model(net, mean)


def swish_clips(spread: Sequence[float], *, pools_first: bool = False, added: Sequence[float] | None = None) -> Model:
    """A convolution over three frames as a sum of depthwise ones, with a constant for each channel and a swish.

    Its channels are *spread* times as large, and all of them matter as much to the scores. With *pools_first*, a swish
    of the means over places follows, too. The constant is *added*: one for each channel, or a single one for all.
    """
    net, count = FloatNet((1, FRAMES, SIDE, SIDE, 3), "clip"), len(spread)
    x = _swish(net, net.conv(net.reshape(net.image, (FRAMES, SIDE, SIDE, 3)), count))
    padded = net.add(
        "PAD",
        [x, net.constant(np.array([(1, 1), (0, 0), (0, 0), (0, 0)]))],
        [(FRAMES + 2, SIDE, SIDE, count)],
        "PadOptions",
    )[0]
    total = -1
    for tap in range(3):
        weights = net.chance.normal(0, 0.3, (1, 3, 3, count)) * spread
        made = net.depthwise(_frames(net, padded, tap), weights=weights, bias=np.zeros(count))
        total = made if tap == 0 else net.add("ADD", [total, made], [net.shape(made)], "AddOptions")[0]
    shifts = np.array(spread) / 4 if added is None else np.array(added)
    y = net.add("ADD", [total, net.constant(shifts.astype(np.float32))], [net.shape(total)], "AddOptions")[0]
    y = _mean(net, _swish(net, y), (1, 2), (FRAMES, 1, 1, count))
    if pools_first:
        y = _swish(net, y)
    y = _mean(net, net.reshape(y, (1, FRAMES, 1, count)), (1, 2), (1, 1, 1, count))
    weights = net.chance.normal(0, 0.3, (CLASSES, 1, 1, count)) / np.array(spread)
    scores = net.reshape(net.conv(y, CLASSES, window=1, weights=weights, name="classes"), (1, CLASSES))
    return _model(net, scores)


def _swish(net: FloatNet, x: int) -> int:
    gate = net.add("LOGISTIC", [x], [net.shape(x)])[0]
    return net.add("MUL", [x, gate], [net.shape(x)], "MulOptions")[0]


def _mean(net: FloatNet, x: int, axes: Sequence[int], shape: Sequence[int]) -> int:
    return net.add("MEAN", [x, net.constant(np.array(axes))], [shape], "ReducerOptions", keepDims=True)[0]


def _frames(net: FloatNet, padded: int, first: int) -> int:
    _all, height, width, channels = net.shape(padded)
    corners = ((first, 0, 0, 0), (first + FRAMES, height, width, channels), (1, 1, 1, 1))
    constants = [net.constant(np.array(corner)) for corner in corners]
    return net.add("STRIDED_SLICE", [padded, *constants], [(FRAMES, height, width, channels)], "StridedSliceOptions")[0]


def _model(net: FloatNet, scores: int) -> Model:
    made = load(net.finish(scores), "made in a test")
    output = Output("class_scores", "class_scores", 0, (1, CLASSES), "float32")
    labels = tuple(f"thing {i}" for i in range(CLASSES))
    contract = Contract((ClipInput(IMAGE, FRAMES, 2),), (output,), labels, Classification("SOFTMAX", "host"))
    return Model(dump(made), "tflite", contract, (STEP,))
