"""Explicit quantization: where the pairs stand, that biases are float, and that it computes what int8 around 0 does."""

import pytest
from builders.float_models import FloatNet, images, run, snr_db
from builders.operator_cases import CASES, SHAPE, networks, quantized

from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import dtype_name, main_subgraph, operator_name
from detlite.runtime.errors import FindingError


def explicit(data, **options):
    return quantized(data, images(), scheme="int8-float-bias", **options)


def residual():
    """A convolution, a second one of it, and their sum, which a third reads."""
    net = FloatNet()
    first = net.conv(net.image, 4, name="first")
    total = net.add("ADD", [net.conv(first, 4, name="second"), first], [SHAPE], "AddOptions", name="total")[0]
    return net.finish(net.conv(total, 2, name="third"))


def rounded(data):
    """The names of the tensors that a QUANTIZE reads."""
    model = load(data, "explicit")
    subgraph = main_subgraph(model)
    quantizing = [one for one in subgraph.operators if operator_name(model, one) == "QUANTIZE"]
    return {subgraph.tensors[one.inputs[0]].name.decode() for one in quantizing}


@pytest.mark.parametrize("kind", CASES)
def test_a_graph_with_explicit_quantization_computes_what_it_did_before(kind):
    data, sample = networks(kind), images()[0]
    for want, got in zip(run(data, sample), run(explicit(data), sample), strict=True):
        assert snr_db(want, got) > 28


def test_what_convolutions_and_sums_read_is_rounded_and_outputs_are_not():
    assert rounded(explicit(residual())) == {"image", "first", "total"}


def test_the_last_convolution_before_a_sum_hands_its_output_on_in_float():
    assert "second" not in rounded(explicit(residual()))


def test_an_operator_that_is_left_float_reads_what_was_there_before():
    assert rounded(explicit(residual(), floating=("third",))) == {"image", "first"}


def test_zero_points_are_0_and_biases_float():
    model = load(explicit(networks("DEPTHWISE_CONV_2D")), "explicit")
    subgraph = main_subgraph(model)
    scaled = [one.quantization for one in subgraph.tensors if one.quantization is not None]
    assert {int(zero) for one in scaled if one.zeroPoint is not None for zero in one.zeroPoint} == {0}
    layers = [one for one in subgraph.operators if len(one.inputs) == 3]
    assert {dtype_name(subgraph.tensors[one.inputs[2]]) for one in layers} == {"float32"}


def test_weights_are_int8_by_channel_behind_a_dequantize_of_the_version_that_takes_them():
    model = load(explicit(networks("CONV_2D")), "explicit")
    subgraph = main_subgraph(model)
    readers = {one.inputs[0]: model.operatorCodes[one.opcodeIndex].version for one in subgraph.operators}
    weights = [(index, one) for index, one in enumerate(subgraph.tensors) if dtype_name(one) == "int8" and one.buffer]
    assert sorted(len(one.quantization.scale) for _index, one in weights) == [4, 6]
    assert {readers[index] for index, _one in weights} == {5}


def test_a_graph_without_anything_to_quantize_is_refused():
    net = FloatNet()
    with pytest.raises(FindingError, match="nothing was quantized: no convolution, pool or addition"):
        explicit(net.finish(net.add("RELU", [net.image], [(1, 8, 8, 3)])[0]))


def test_operators_count_as_float_and_the_file_as_explicit():
    facts = describe(explicit(residual()), "explicit")
    assert (facts.quantization, facts.float_islands) == ("explicit int8", 0)
    assert (facts.float_operators, facts.operators["QUANTIZE"], facts.operators["DEQUANTIZE"]) == (4, 3, 6)
