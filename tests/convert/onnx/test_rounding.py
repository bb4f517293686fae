"""int8 in ONNX: conversions made of TFLite's own numbers, in the form that each runtime takes."""

import numpy as np
import pytest
from builders.float_models import RELU6, FloatNet, images, run, snr_db
from builders.onnx_models import counts, onnx_of, run_onnx
from builders.operator_cases import CASES, networks, quantized

from detlite.calibration.numbers.scheme import scheme_called
from detlite.convert.onnx.graph import OnnxGraph
from detlite.convert.onnx.operators.table import WRITERS
from detlite.convert.onnx.rounding import RELU, clip_of
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TENSORRT = "int8-float-bias"


def clipped():
    """A convolution with a ReLU6, and a second one."""
    net = FloatNet()
    return net.finish(net.conv(net.conv(net.image, 4, activation=RELU6), 4))


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind in WRITERS])
def test_an_int8_operator_computes_what_it_does_in_tflite(kind):
    data, (image, *_others) = quantized(networks(kind), images()), images()
    for want, got in zip(run(data, image), run_onnx(onnx_of(data), image), strict=True):
        assert got.dtype == np.float32
        assert snr_db(want, got) > 28


@pytest.mark.parametrize("kind", ["ADD", "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_an_operator_between_explicit_pairs_computes_what_it_does_in_tflite(kind):
    data, (image, *_others) = quantized(networks(kind), images(), scheme=TENSORRT), images()
    for want, got in zip(run(data, image), run_onnx(onnx_of(data), image), strict=True):
        assert snr_db(want, got) > 28


def zero_points(model):
    """The dtypes and values of the zero points of all activations."""
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    found = [arrays[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"]
    return {(one.dtype.name, int(one)) for one in found}


def test_for_onnxruntime_activations_are_uint8():
    model = onnx_of(quantized(clipped(), images()))
    assert {dtype for dtype, _zero in zero_points(model)} == {"uint8"}


def test_for_tensorrt_zero_points_are_0_and_biases_float():
    model = onnx_of(quantized(clipped(), images(), scheme=TENSORRT))
    assert zero_points(model) == {("int8", 0)}
    dtypes = {onnx.numpy_helper.to_array(one).dtype.name for one in model.graph.initializer}
    assert "int32" not in dtypes


def test_tensorrt_is_not_given_zero_points():
    with pytest.raises(InputError, match="TensorRT takes int8 with a zero point of 0, .*--scheme int8-float-bias"):
        onnx_of(quantized(clipped(), images()), target="tensorrt")


def test_weights_stay_int8_with_a_scale_for_each_channel():
    model = onnx_of(quantized(clipped(), images()))
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    weights = [node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.attribute]
    assert sorted((arrays[node.input[0]].dtype.name, arrays[node.input[1]].size) for node in weights) == [
        ("int32", 4),
        ("int32", 16),  # of the image's convolution, which reads blocks of four pixels
        ("int8", 4),
        ("int8", 16),
    ]


def test_a_clip_that_the_codes_do_already_is_left_out():
    assert "Clip" in counts(onnx_of(clipped()))
    assert not {"Clip", "Relu"} & set(counts(onnx_of(quantized(clipped(), images()))))


@pytest.mark.parametrize(
    ("activation", "limits", "nodes"),
    [
        (3, (0.0, 6.0), []),
        (3, (0.0, 5.9), []),
        (3, (-1.0, 6.0), ["Relu"]),
        (3, (0.0, 7.0), ["Clip"]),
        (RELU, (0.0, 9.0), []),
        (RELU, (-0.1, 9.0), ["Relu"]),
        (0, (-9.0, 9.0), []),
    ],
)
def test_of_an_activation_only_what_the_codes_do_not_clip_is_written(activation, limits, nodes):
    graph = OnnxGraph(13, ["x"])
    clip_of(graph, "x", activation, "y", limits)
    assert [node.op_type for node in graph.nodes] == nodes


def test_opset_11_is_refused_for_int8():
    with pytest.raises(InputError, match="opset 11 has no scales per channel: an int8 model needs 13"):
        onnx_of(quantized(clipped(), images()), opset=11)


def test_int16_activations_are_refused():
    with pytest.raises(InputError, match="int16 activations"):
        onnx_of(quantized(clipped(), images(), scheme="int16x8"))


@pytest.mark.parametrize("scheme", ["float16", "dynamic"])
def test_float16_and_dynamic_range_weights_become_float32(scheme):
    net = FloatNet()
    file = TfliteFile(net.finish(net.conv(net.image, 64, activation=RELU6)))
    scheme_called(scheme).pack(file)
    model, (image, *_others) = onnx_of(file.data), images()
    assert counts(model) == {"Clip": 1, "Conv": 1, "Transpose": 2}
    assert snr_db(run(file.data, image)[0], run_onnx(model, image)[0]) > 30
