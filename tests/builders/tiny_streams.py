"""Tiny classifiers of more than one image: with a state, with a bank of features, of a clip."""

from dataclasses import replace

import numpy as np

from builders.float_models import FloatNet
from detlite.convert.float_graph import FloatGraph
from detlite.convert.model import Model
from detlite.convert.tensorflow import load_tensorflow
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.boxes.coding import BoxCoder
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.stream_inputs import BankInput, ClipInput, Input, StateInput, WindowInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.detection import Detection
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


def bank_reader(slots: int = 3, width: int = 2) -> Model:
    """The scores are the sums over the slots of a bank, one for each number of a row."""
    net = FloatNet((1, SIDE, SIDE, 1))
    bank, count = net.tensor("features", (1, slots, width)), net.tensor("features_count", (1,), "int32")
    sums = net.add("SUM", [bank, net.constant(np.array([1]))], [(1, width)], "ReducerOptions")[0]
    return _model(net, [sums], [net.image, bank, count], (GRAY, BankInput("features", slots, width)), width)


def embedder(width: int = 2) -> Model:
    """A detector that finds two boxes itself, with embeddings: the mean grey of the image, 0..1, times constants.

    The scores are half of that mean and a quarter; the embedding of the second box is twice that of the first.
    """
    net = FloatNet((1, SIDE, SIDE, 1))
    mean = _mean(net, net.image, (1, 2, 3), (1, 1))

    def times(value: object, shape: tuple[int, ...]) -> int:
        factors = net.constant(np.asarray(value, np.float32).reshape(shape))
        one = net.reshape(mean, (1,) * len(shape))
        return int(net.add("MUL", [one, factors], [shape], "MulOptions")[0])

    def same(value: object, shape: tuple[int, ...]) -> int:
        return _sum(net, times(np.zeros(shape), shape), net.constant(np.asarray(value, np.float32).reshape(shape)))

    outputs = {
        "boxes": same([[0, 0, 0.5, 1], [0.25, 0.5, 0.75, 1]], (1, 2, 4)),
        "classes": same([1, 0], (1, 2)),
        "scores": times([0.5, 0.25], (1, 2)),
        "count": same([2], (1,)),
        "embeddings": times(np.outer([1, 2], np.arange(1, width + 1)), (1, 2, width)),
    }
    made = net.finish(*outputs.values())
    nms = Nms(place="model", max_detections=2)
    task = Detection(np.zeros((0, 4), np.float32), BoxCoder(), "SOFTMAX", "model", 1, nms)
    image = replace(GRAY, std=(255.0,))
    listed = tuple(Output(role, role, i, net.shape(one), "float32") for i, (role, one) in enumerate(outputs.items()))
    return Model(made, "tflite", Contract((image,), listed, ("deer", "hare"), task), (STEP,))


def clip_reader(frames: int = 3, stride: int = 2) -> Model:
    """The score i is the mean grey of the clip's frame i."""
    net = FloatNet((1, frames, SIDE, SIDE, 1), "clip")
    means = _mean(net, net.image, (2, 3, 4), (1, frames))
    return _model(net, [means], [net.image], (ClipInput(GRAY, frames, stride),), frames)


def counting_graph(states: int = 12) -> FloatGraph:
    """A graph with a bank, and the states s0, s1, ...: each frame adds k + 1 to the number k.

    The one score, an output between those of the states, is the mean grey of the image, plus the sum of the bank's
    features times their count.
    """
    tf = load_tensorflow()
    numbers = [k if k < states // 2 else k + 1 for k in range(states)]  # of the outputs
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, (1, SIDE, SIDE, 1), "detlite_image")
        held = [tf.compat.v1.placeholder(tf.float32, (1, k + 1), f"s{k}") for k in range(states)]
        count = tf.compat.v1.placeholder(tf.int32, (1,), "features_count")
        features = tf.compat.v1.placeholder(tf.float32, (1, 3, 2), "features")
        summed = tf.reduce_sum(features, (1, 2)) * tf.cast(count, tf.float32)
        tf.reshape(tf.reduce_mean(image, (1, 2, 3)) + summed, (1, 1), name="scores")
        following = [tf.add(one, float(k + 1), name=f"following/{k}").name for k, one in enumerate(held)]
    carried = [StateInput(f"s{k}", (1, k + 1), "float32", numbers[k]) for k in range(states)]
    output = Output("class_scores", "class_scores", states // 2, (1, 1), "float32")
    inputs: tuple[Input, ...] = (GRAY, *carried[:3], BankInput("features", 3, 2), *carried[3:])
    contract = Contract(inputs, (output,), ("thing",), Classification("IDENTITY", "model"))
    outputs = {f"s{k}": name for k, name in enumerate(following)} | {"class_scores": "scores"}
    ordered = {name: outputs[name] for name in contract.output_names}
    return FloatGraph(graph.as_graph_def(), ordered, contract)


def window_reader() -> Model:
    """The four scores are the window of the image, which is padded at the bottom or right."""
    net = FloatNet((1, SIDE, SIDE, 1))
    window = net.tensor("image_window", (1, 4))
    scores = _sum(net, window, net.constant(np.zeros((1, 4))))
    image = replace(GRAY, letterbox=Letterbox())
    return _model(net, [scores], [net.image, window], (image, WindowInput("image_window")), 4)
