"""Every operator with int16 activations: what it computes is what it computed, 256 times as fine."""

import pytest
from builders.float_models import FloatNet, images, run, snr_db
from builders.operator_cases import CASES, SHAPE, networks, quantized

from detlite.calibration.numbers.operators import INT16_RULES
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import load
from detlite.convert.tflite.tensors import constant_of, dtype_name, main_subgraph
from detlite.runtime.errors import InputError

WITHOUT = [kind for kind in CASES if kind not in INT16_RULES]


def int16(data, samples, **options):
    return quantized(data, samples, scheme="int16x8", **options)


@pytest.mark.parametrize("kind", sorted(INT16_RULES.keys() & CASES.keys()))
def test_an_operator_computes_in_int16_what_it_did_in_float(kind):
    data, samples = networks(kind), images()
    made = int16(data, samples, estimator="min_max")
    for want, got in zip(run(data, samples[0]), run(made, samples[0]), strict=True):
        assert snr_db(want, got) > 37  # of the weights: 28 with int8 activations


def test_every_operator_with_an_int16_form_is_tried():
    assert INT16_RULES.keys() <= CASES.keys()


@pytest.mark.parametrize("kind", WITHOUT)
def test_an_operator_without_an_int16_form_is_named_with_what_to_do(kind):
    with pytest.raises(InputError, match=rf"the operator {kind} that computes .* has no int16 form: .* --float {kind}"):
        int16(networks(kind), images())


def test_several_operators_without_an_int16_form_are_named_together():
    net = FloatNet()
    first = net.add("HARD_SWISH", [net.conv(net.image, 4)], [SHAPE], "HardSwishOptions")[0]
    data = net.finish(net.add("ELU", [first], [SHAPE])[0])
    with pytest.raises(InputError, match="the operators HARD_SWISH, ELU have no int16 form: .* HARD_SWISH --float ELU"):
        int16(data, images())


def test_an_operator_that_is_left_float_stands_between_two_conversions():
    made = int16(networks("HARD_SWISH"), images(), floating=("HARD_SWISH",))
    facts = describe(made, "int16")
    assert (facts.operators["DEQUANTIZE"], facts.operators["QUANTIZE"], facts.float_operators) == (1, 1, 1)


def test_biases_are_int64_and_weights_int8():
    model = load(int16(networks("CONV_2D"), images()), "int16")
    subgraph = main_subgraph(model)
    constants = [subgraph.tensors[index] for operator in subgraph.operators for index in operator.inputs[1:3]]
    assert {dtype_name(one) for one in constants} == {"int8", "int64"}
    assert constant_of(model, constants[1]).any()


def test_every_zero_point_is_0():
    subgraph = main_subgraph(load(int16(networks("LOGISTIC"), images()), "int16"))
    found = [tensor.quantization for tensor in subgraph.tensors if tensor.quantization is not None]
    assert {int(zero) for one in found if one.zeroPoint is not None for zero in one.zeroPoint} == {0}
