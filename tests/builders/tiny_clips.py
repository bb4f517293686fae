"""A tiny classifier of clips with layers to quantize."""

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
    made = load(net.finish(mean), "made in a test")
    output = Output("class_scores", "class_scores", 0, (1, CLASSES), "float32")
    labels = tuple(f"thing {i}" for i in range(CLASSES))
    contract = Contract((ClipInput(IMAGE, FRAMES, 2),), (output,), labels, Classification("SOFTMAX", "host"))
    return Model(dump(made), "tflite", contract, (STEP,))
