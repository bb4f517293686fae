"""A stream with states of every dtype: one leaves the model with another scale than it comes in with."""

import numpy as np

from builders.float_models import FloatNet
from detlite.convert.model import Model
from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.runtime.contract import Contract
from detlite.runtime.inputs import ImageInput
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tensors import Output, Quantization

SIDE, CLASSES = 2, 3
KEPT, TAKEN, LEFT = Quantization(0.05, -7), Quantization(0.125, 3), Quantization(0.07, 20)
"""How `kept` is stored; how `scaled` comes in, and how it leaves."""

PIXELS = Quantization(0.02, -5)
"""How the image is stored, of which each channel is normalized in its own way."""

STEP = {"step": "made in a test", "input_sha256": "0" * 64}
NORMALIZATION = ((123.0, 116.0, 103.0), (58.0, 57.0, 59.0))
IMAGE = ImageInput("camera", SIDE, SIDE, "RGB", "int8", *NORMALIZATION, "tf1_bilinear", PIXELS)


def quantized_states() -> Model:
    """A stream whose second input is its image, int8, and whose third output are its logits, the sum of all there is.

    The states: `kept`, int8, begins with 0.5; `scaled`, uint8; `count`, int32, begins with 3; `total`, float32.
    """
    net = FloatNet((1, SIDE, SIDE, 3), "camera")
    kept, scaled = _stored(net, "kept", "int8", KEPT), _stored(net, "scaled", "uint8", TAKEN)
    count, total = net.tensor("count", (1, CLASSES), "int32"), net.tensor("total", (1, CLASSES))
    image = _as(net, net.image, "int8", PIXELS)
    pixels = net.add("DEQUANTIZE", [image], [net.shape(image)], version=2)[0]
    mean = net.add("MEAN", [pixels, net.constant(np.array([1, 2]))], [(1, CLASSES)], "ReducerOptions")[0]
    new_kept = _quantized(net, _decayed(net, kept, mean), "int8", KEPT)
    new_scaled = _quantized(net, _decayed(net, scaled, mean), "uint8", LEFT)
    new_count = _of(net, "ADD", count, net.constant(np.array([[1, 2, 3]])))
    number = net.add("CAST", [new_count], [(1, CLASSES)])[0]
    new_total = _of(net, "ADD", total, mean)
    logits = new_total
    for one in (_float(net, new_kept), _float(net, new_scaled), number):
        logits = _of(net, "ADD", logits, one)
    made = load(net.finish(new_kept, new_scaled, logits, new_count, new_total), "made in a test")
    made.subgraphs[0].inputs = [kept, net.image, scaled, count, total]
    states = (
        StateInput("kept", (1, CLASSES), "int8", 0, 0.5, KEPT),
        StateInput("scaled", (1, CLASSES), "uint8", 1, 0.0, TAKEN),
        StateInput("count", (1, CLASSES), "int32", 3, 3.0),
        StateInput("total", (1, CLASSES), "float32", 4),
    )
    output = Output("class_scores", "class_scores", 2, (1, CLASSES), "float32")
    labels = tuple(f"thing {i}" for i in range(CLASSES))
    task = Classification("SOFTMAX", "host")
    contract = Contract((IMAGE, *states), (output,), labels, task, input_order=(1, 0, 2, 3, 4))
    return Model(dump(made), "tflite", contract, (STEP,))


def _stored(net: FloatNet, name: str, dtype: str, found: Quantization) -> int:
    return _as(net, net.tensor(name, (1, CLASSES)), dtype, found)


def _as(net: FloatNet, index: int, dtype: str, found: Quantization) -> int:
    """Store the tensor *index* as *dtype*, quantized as *found*."""
    tensor, stored = net.subgraph.tensors[index], net.schema.QuantizationParametersT()
    stored.scale, stored.zeroPoint = np.array([found.scale], np.float32), np.array([found.zero_point], np.int64)
    tensor.type, tensor.quantization = TYPES[dtype], stored
    return index


def _decayed(net: FloatNet, state: int, mean: int) -> int:
    """Half of *state*, plus *mean*."""
    half = _of(net, "MUL", _float(net, state), net.constant(np.full((1, CLASSES), 0.5)))
    return _of(net, "ADD", half, mean)


def _of(net: FloatNet, kind: str, one: int, other: int) -> int:
    made = net.add(kind, [one, other], [(1, CLASSES)], f"{kind.capitalize()}Options")[0]
    net.subgraph.tensors[made].type = net.subgraph.tensors[one].type
    return made


def _float(net: FloatNet, stored: int) -> int:
    return net.add("DEQUANTIZE", [stored], [(1, CLASSES)], version=2)[0]


def _quantized(net: FloatNet, real: int, dtype: str, found: Quantization) -> int:
    return _as(net, net.add("QUANTIZE", [real], [(1, CLASSES)])[0], dtype, found)
