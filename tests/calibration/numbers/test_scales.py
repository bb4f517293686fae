"""Scales of activations: zero has a code, and what operators tie together has one scale."""

import numpy as np
import pytest
from builders.float_models import RELU6, FloatNet
from hypothesis import given
from hypothesis import strategies as st

from detlite.calibration.network import Network
from detlite.calibration.numbers.number_format import INT8
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.numbers.scales import plan_scales
from detlite.calibration.ranges.ranges import Range
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Quantization

IMAGE = Quantization(1 / 128, 0)
ends = st.floats(-1e4, 1e4, width=32)


def two_heads():
    """A convolution 'a' and one 'b', both reshaped into one tensor 'joined'."""
    net = FloatNet()
    parts = [net.reshape(net.conv(net.image, 4, name=name), (1, 64, 4)) for name in "ab"]
    joined = net.add("CONCATENATION", parts, [(1, 128, 4)], "ConcatenationOptions", axis=1, name="joined")[0]
    return Network(TfliteFile(net.finish(joined)))


def ranges_of(network, **known):
    return {network.names[i]: known.get(network.names[i], Range(-1, 1)) for i in network.activations}


@given(ends, ends)
def test_zero_is_stored_without_any_error(one, other):
    quantization = INT8.of_range(Range(min(one, other), max(one, other)))
    assert -128 <= quantization.zero_point <= 127


@given(ends, ends)
def test_both_ends_of_a_range_are_stored_within_a_step(one, other):
    found = Range(min(one, other), max(one, other))
    quantization = INT8.of_range(found)
    for end in (found.low, found.high):
        code = np.clip(np.rint(end / quantization.scale) + quantization.zero_point, -128, 127)
        assert abs((code - quantization.zero_point) * quantization.scale - end) <= quantization.scale * 1.001


def test_relu6_gets_255_steps_from_zero():
    assert INT8.of_range(Range(0, 6)) == Quantization(float(np.float32(6 / 255)), -128)


def test_a_tensor_that_is_always_zero_gets_some_scale():
    assert INT8.of_range(Range(0, 0)).scale > 0


def test_what_is_concatenated_shares_the_range_that_holds_all_of_it():
    network = two_heads()
    plan = plan_scales(network, ranges_of(network, a=Range(-2, 1), b=Range(-1, 4)), IMAGE)
    found = {network.names[i]: plan.scales[i] for i in network.activations}
    assert found["a"] == found["b"] == found["joined"] == INT8.of_range(Range(-2, 4))


def test_what_stays_float_ties_nothing():
    network = two_heads()
    ranges = ranges_of(network, a=Range(-2, 1), b=Range(-1, 4))
    plan = plan_scales(network, ranges, IMAGE, floating={"joined"})
    found = {network.names[i]: plan.scales[i] for i in network.activations}
    assert found["a"] == INT8.of_range(Range(-2, 1))


def test_the_input_has_the_scale_that_it_is_given():
    network = two_heads()
    assert plan_scales(network, ranges_of(network), IMAGE).scales[network.image] == IMAGE


def test_a_tensor_without_a_range_is_named():
    network = two_heads()
    known = ranges_of(network)
    del known["b"]
    with pytest.raises(InputError, match="the ranges lack the tensor b: they belong to another model"):
        plan_scales(network, known, IMAGE)


def test_logits_that_only_a_sigmoid_reads_are_cut_where_it_saturates():
    net = FloatNet()
    logits = net.conv(net.image, 4, name="logits")
    scores = net.add("LOGISTIC", [logits], [(1, 8, 8, 4)], name="scores")[0]
    network = Network(TfliteFile(net.finish(scores)))
    cut = clip_saturated(network, ranges_of(network, logits=Range(-37, 2)))
    assert cut["logits"].low == pytest.approx(-6.9305, abs=1e-4)
    assert cut["logits"].high == 2


def test_logits_that_are_an_output_too_keep_their_range():
    net = FloatNet()
    logits = net.conv(net.image, 4, name="logits")
    scores = net.add("LOGISTIC", [logits], [(1, 8, 8, 4)], name="scores")[0]
    network = Network(TfliteFile(net.finish(logits, scores)))
    assert clip_saturated(network, ranges_of(network, logits=Range(-37, 2)))["logits"] == Range(-37, 2)


def product_swish(*, read_elsewhere=False):
    """x * relu6(x + 3), of a convolution and a reshape."""
    net = FloatNet()
    x = net.reshape(net.conv(net.image, 4, name="made"), (1, 64, 4))
    gate = net.add("ADD", [x, net.constant(3.0)], [(1, 64, 4)], "AddOptions", fusedActivationFunction=RELU6)[0]
    y = net.add("MUL", [x, gate], [(1, 64, 4)], "MulOptions", name="product")[0]
    outputs = [y, net.add("NEG", [x], [(1, 64, 4)])[0]] if read_elsewhere else [y]
    return Network(TfliteFile(net.finish(*outputs)))


def test_what_only_a_hard_swish_as_a_product_reads_is_cut_where_it_is_0():
    network = product_swish()
    assert clip_saturated(network, ranges_of(network, made=Range(-9, 5)))["made"] == Range(-3, 5)


def test_what_another_operator_reads_too_keeps_its_range():
    network = product_swish(read_elsewhere=True)
    assert clip_saturated(network, ranges_of(network, made=Range(-9, 5)))["made"] == Range(-9, 5)


def test_what_only_a_hard_swish_reads_is_cut_where_it_is_0():
    net = FloatNet()
    y = net.add("HARD_SWISH", [net.conv(net.image, 4, name="made")], [(1, 8, 8, 4)], name="y")[0]
    network = Network(TfliteFile(net.finish(y)))
    assert clip_saturated(network, ranges_of(network, made=Range(-9, 5)))["made"] == Range(-3, 5)
