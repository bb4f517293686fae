"""Streams as another tool exports them: a signature that names each state's output like its input, no contract."""

from dataclasses import dataclass

import numpy as np

from builders.float_models import FloatNet
from detlite.convert.tflite.edit import TYPES
from detlite.convert.tflite.flatbuffer import dump
from detlite.convert.tflite.signature import sign

SIDE = 4


@dataclass(frozen=True)
class Stream:
    """What a stream is made of.

    Attributes:
        clip: whether the image has an axis for its one frame.
        name: of the state's input in the signature.
        output_name: of its output there.
        width: of the state's output; the input's is 3.
        scales: of the sum in int8, where it comes in and where it leaves; None for a float sum.
        size: of the image in its signature; -1 leaves it open.
    """

    clip: bool = True
    name: str = "total"
    output_name: str = "total"
    width: int = 3
    scales: tuple[float, float] | None = None
    size: int = SIDE


FLOAT = Stream()


def signed_stream(asked: Stream = FLOAT) -> bytes:
    """A stream whose logits are the mean colour plus the sum so far, and whose first input is its state."""
    net = FloatNet((1, 1, SIDE, SIDE, 3) if asked.clip else (1, SIDE, SIDE, 3))
    image = net.subgraph.tensors[net.image]
    image.shapeSignature = np.array([*image.shape[:-3], asked.size, asked.size, 3], np.int32)
    state = net.tensor("call_total:0", (1, 3))
    axes = net.constant(np.array((1, 2, 3) if asked.clip else (1, 2)))
    mean = net.add("MEAN", [net.image, axes], [(1, 3)], "ReducerOptions")[0]
    logits = _int8_sum(net, mean, state, asked.scales) if asked.scales else _sum(net, mean, state)
    following = net.reshape(logits, (1, 3))
    if asked.width != 3:
        ends = [net.constant(np.array(value)) for value in ((0, 0), (1, asked.width), (1, 1))]
        following = net.add("STRIDED_SLICE", [following, *ends], [(1, asked.width)], "StridedSliceOptions")[0]
    net.subgraph.inputs, net.subgraph.outputs = [state, net.image], [following, logits]
    sign(net.model, {"video": net.image, asked.name: state}, {asked.output_name: following, "logits": logits})
    return dump(net.model)


def _sum(net: FloatNet, mean: int, state: int) -> int:
    return net.add("ADD", [mean, state], [(1, 3)], "AddOptions")[0]


def _int8_sum(net: FloatNet, mean: int, state: int, scales: tuple[float, float]) -> int:
    """A sum in int8 between conversions; what a frame adds is in 0..1."""
    added, into = (net.add("QUANTIZE", [tensor], [(1, 3)])[0] for tensor in (mean, state))
    total = net.add("ADD", [added, into], [(1, 3)], "AddOptions")[0]
    for index, scale in ((added, 1 / 255), (into, scales[0]), (total, scales[1])):
        tensor = net.subgraph.tensors[index]
        tensor.type, tensor.quantization = TYPES["int8"], net.schema.QuantizationParametersT()
        tensor.quantization.scale = np.array([scale], np.float32)
        tensor.quantization.zeroPoint = np.array([-128], np.int64)
    return net.add("DEQUANTIZE", [total], [(1, 3)])[0]
