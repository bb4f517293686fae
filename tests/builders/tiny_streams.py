"""Tiny classifiers of more than one image: with a state, with a bank of features, of a clip."""

import numpy as np

from builders.float_models import FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import BankInput, ClipInput, Input, StateInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output

SIDE = 2
STEP = {"step": "made in a test", "input_sha256": "0" * 64}
GRAY = ImageInput("image", SIDE, SIDE, "GRAY", "float32", (0.0,), (1.0,), "tf1_bilinear")


def _mean(net: FloatNet, x: int, axes: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return net.add("MEAN", [x, net.constant(np.array(axes))], [shape], "ReducerOptions")[0]


def _sum(net: FloatNet, one: int, other: int) -> int:
    return net.add("ADD", [one, other], [net.shape(one)], "AddOptions")[0]


def _model(net: FloatNet, outputs: list[int], inputs: list[int], contract: tuple[Input, ...], classes: int) -> Model:
    made = load(net.finish(*outputs), "made in a test")
    made.subgraphs[0].inputs = inputs
    output = Output("class_scores", "class_scores", 0, (1, classes), "float32")
    labels = tuple(f"thing {i}" for i in range(classes))
    whole = Contract(contract, (output,), labels, Classification("IDENTITY", "model"))
    return Model(dump(made), "tflite", whole, (STEP,))


def running_sum(initial: float = 0.0) -> Model:
    """The one score is the mean grey of the image, plus the score of the frame before (at first *initial*)."""
    net = FloatNet((1, SIDE, SIDE, 1))
    state = net.tensor("sum", (1, 1))
    total = _sum(net, _mean(net, net.image, (1, 2, 3), (1, 1)), state)
    kept = _sum(net, total, net.constant(np.zeros((1, 1))))
    return _model(net, [total, kept], [net.image, state], (GRAY, StateInput("sum", (1, 1), "float32", 1, initial)), 1)


def bank_reader() -> Model:
    """The two scores are the sums of a bank of three slots, a half each."""
    net = FloatNet((1, SIDE, SIDE, 1))
    bank, count = net.tensor("features", (1, 3, 2)), net.tensor("valid", (1,), "int32")
    sums = net.add("SUM", [bank, net.constant(np.array([1]))], [(1, 2)], "ReducerOptions")[0]
    return _model(net, [sums], [net.image, bank, count], (GRAY, BankInput("features", 3, 2)), 2)


def clip_reader(frames: int = 3, stride: int = 2) -> Model:
    """The score i is the mean grey of the clip's frame i."""
    net = FloatNet((1, frames, SIDE, SIDE, 1), "clip")
    means = _mean(net, net.image, (2, 3, 4), (1, frames))
    return _model(net, [means], [net.image], (ClipInput(GRAY, frames, stride),), frames)
