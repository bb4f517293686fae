"""Every operator of an SSD in int8: what it computes is what it computed."""

import pytest
from builders.float_models import FloatNet, images, run, snr_db
from builders.operator_cases import CASES, SHAPE, networks, quantized

from detlite.calibration.numbers.operators import INT8_RULES
from detlite.convert.tflite.describe import describe
from detlite.runtime.errors import InputError


@pytest.mark.parametrize("kind", CASES)
def test_an_operator_computes_in_int8_what_it_did_in_float(kind):
    data, samples = networks(kind), images()
    made = quantized(data, samples, estimator="min_max")
    for want, got in zip(run(data, samples[0]), run(made, samples[0]), strict=True):
        assert snr_db(want, got) > 28


@pytest.mark.parametrize("kind", CASES)
def test_no_operator_of_an_int8_model_is_float(kind):
    facts = describe(quantized(networks(kind), images()), "int8")
    assert (facts.float_operators, facts.quantization) == (0, "int8")
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(facts.operators)


def test_an_operator_without_an_int8_form_is_named_with_what_to_do():
    net = FloatNet()
    squared = net.add("EXP", [net.conv(net.image, 4)], [SHAPE], "ExpOptions", name="grown")[0]
    with pytest.raises(InputError, match=r"the operator EXP that computes grown has no int8 form: .* --float EXP"):
        quantized(net.finish(squared), images())


def test_an_operator_that_is_left_float_stands_between_two_conversions():
    net = FloatNet()
    grown = net.add("EXP", [net.conv(net.image, 4)], [SHAPE], "ExpOptions")[0]
    data, samples = net.finish(net.conv(grown, 2)), images()
    made = quantized(data, samples, floating=("EXP",), estimator="min_max")
    facts = describe(made, "mixed")
    assert (facts.operators["DEQUANTIZE"], facts.operators["QUANTIZE"], facts.float_operators) == (1, 1, 1)
    assert snr_db(run(data, samples[0])[0], run(made, samples[0])[0]) > 25


def test_every_rule_of_a_fixed_output_starts_at_its_lowest_code():
    for rule in INT8_RULES.values():
        if rule.fixed is not None:
            assert rule.fixed.scale * (127 - rule.fixed.zero_point) == pytest.approx(1 - rule.fixed.scale)
