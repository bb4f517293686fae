"""Packed weights of a float network: float16 and dynamic range become the float32 that they stand for."""

import numpy as np
import pytest
from builders.float_models import FloatNet, images, run
from builders.open_files import edited

from detlite.calibration.network import Network
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.float_weights import unpack_weights
from detlite.convert.tflite.open_file import TfliteFile

WEIGHTS = np.array([[[[0.5, -1.0, 0.25]]], [[[2.0, 0.0, -2.0]]]], np.float32)  # (2, 1, 1, 3)


def halved() -> bytes:
    """A convolution whose weights are float16 behind a DEQUANTIZE."""
    net = FloatNet()
    packed = net.tensor("half", WEIGHTS.shape, "float16", WEIGHTS.astype(np.float16))
    (weights,) = net.add("DEQUANTIZE", [packed], [WEIGHTS.shape], version=3)
    bias = net.constant(np.zeros(2, np.float32))
    inputs, shapes = [net.image, weights, bias], [(1, 8, 8, 2)]
    return net.finish(*net.add("CONV_2D", inputs, shapes, "Conv2DOptions", strideH=1, strideW=1, padding=0))


def dynamic() -> bytes:
    """A convolution that reads int8 weights with a scale for each channel, and floats."""
    net = FloatNet()
    out = net.conv(net.image, 2, window=1, weights=WEIGHTS)
    model = load(net.finish(out), "made in a test")
    subgraph = model.subgraphs[0]
    weights = subgraph.tensors[subgraph.operators[0].inputs[1]]
    scales = np.array([1 / 127, 2 / 127], np.float32)
    codes = np.rint(WEIGHTS / scales[:, None, None, None]).astype(np.int8)
    model.buffers[weights.buffer].data = np.frombuffer(codes.tobytes(), np.uint8)
    weights.type, weights.quantization = 9, net.schema.QuantizationParametersT()
    weights.quantization.scale, weights.quantization.zeroPoint = scales, np.zeros(2, np.int64)
    weights.quantization.quantizedDimension = 0
    return dump(model)


def test_float16_weights_become_what_they_stand_for():
    made = edited(unpack_weights, halved())
    assert describe(made, "made").operators == {"CONV_2D": 1}
    sample = images()[0]
    assert run(made, sample)[0] == pytest.approx(run(halved(), sample)[0], abs=1e-5)


def test_weights_of_a_dynamic_range_model_become_what_they_stand_for():
    network = Network(TfliteFile(edited(unpack_weights, dynamic())))
    weights = network.constant(network.operators[0].inputs[1])
    assert weights == pytest.approx(WEIGHTS, abs=0.01)
    assert weights[1, 0, 0, 0] == pytest.approx(2.0)


def test_a_float32_model_is_left_as_it_is():
    net = FloatNet()
    data = net.finish(net.conv(net.image, 2))
    assert edited(unpack_weights, data) is data
