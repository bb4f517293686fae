"""Channels of a stream scaled to a common range: the float model computes the same bits, int8 has less error."""

from dataclasses import replace

import numpy as np
import pytest
from builders.conv_streams import BUFFER, COUNT, MEAN, conv_stream
from builders.stream_samples import frames, samples_of, stream_of

from detlite.calibration.models import FloatModel
from detlite.calibration.network import Network
from detlite.calibration.numbers.saturation import clip_saturated
from detlite.calibration.ranges.ranges import Range
from detlite.calibration.weights.method import METHODS
from detlite.calibration.weights.swish_scales import with_scaled_swishes
from detlite.convert.tflite.tensors import name_of
from detlite.runtime.plugins import load_plugin

SPREAD = (1.0, 2.0, 3.0, 1000.0)


def scaled(model):
    states = model.contract.inputs[1:]
    return replace(model, data=with_scaled_swishes(model.file, states, lambda: samples_of(model)).data)


def outputs(model, count=12):
    return [found for _states, found in stream_of(model, frames(3, count))]


def kinds(model):
    return [operator.kind for operator in Network(model.file).operators]


def largest(model, kind):
    """The largest value of each channel of what the last operator *kind* makes."""
    network = Network(model.file)
    (*_before, name) = [operator.name for operator in network.operators if operator.kind == kind]
    copied = model.file.copy()
    edited, subgraph = copied.edit(), copied.subgraph
    place = [name_of(tensor) for tensor in subgraph.tensors].index(name)
    subgraph.outputs, edited.signatureDefs = [*subgraph.outputs, place], []
    found = stream_of(replace(model, data=copied.data), frames(1) + frames(2))
    return np.max([values[-1].reshape(-1, 4).max(axis=0) for _states, values in found], axis=0)


@pytest.fixture(scope="module")
def uneven():
    return conv_stream(spread=SPREAD)


@pytest.fixture(scope="module")
def even(uneven):
    return scaled(uneven)


def test_a_scaled_stream_computes_the_same_bits(uneven, even):
    for want, got in zip(outputs(uneven), outputs(even), strict=True):
        np.testing.assert_array_equal(got[0], want[0])


def test_its_mean_is_scaled_by_powers_of_two_the_rest_is_not(uneven, even):
    (*_before, want), (*_same, got) = outputs(uneven), outputs(even)
    exponents = np.log2(got[MEAN] / want[MEAN]).reshape(-1)
    assert (exponents == np.rint(exponents)).all()
    assert exponents[3] == 0
    assert exponents[:3].min() >= 3
    for place in (BUFFER, COUNT):
        np.testing.assert_array_equal(got[place], want[place])


def test_the_gate_undoes_the_scales_in_a_convolution_of_one_tap(uneven, even):
    assert kinds(uneven).count("DEPTHWISE_CONV_2D") == 1
    assert kinds(even).count("DEPTHWISE_CONV_2D") == 2
    assert len(kinds(even)) == len(kinds(uneven))


def test_no_channel_gets_larger_than_the_largest(uneven, even):
    before, after = (largest(one, "MUL") for one in (uneven, even))
    assert after.max() == before.max()
    assert (after[:3] >= 8 * before[:3]).all()


def test_the_int8_stream_has_less_error(uneven, even):
    def noise(source):
        states = source.contract.inputs[1:]
        given = FloatModel(source.file, source.contract.image, lambda: samples_of(source), states=states)
        made = load_plugin(METHODS, "second_order").quantize(given)
        model = replace(
            source, data=made.file.data, contract=replace(source.contract, inputs=(made.image, *made.states))
        )
        scale, zero = model.file.interpreter().outputs[0]["quantization"]
        pairs = zip(outputs(uneven, 60), outputs(model, 60), strict=True)
        return np.mean([np.square((got[0] - float(zero)) * scale - want[0]).mean() for want, got in pairs])

    assert noise(uneven) > 4 * noise(even)


def test_the_same_samples_give_the_same_bytes(uneven, even):
    assert scaled(uneven).data == even.data


def test_a_stream_whose_channels_are_alike_stays_as_it_is():
    alike = conv_stream(spread=tuple(10 / largest(conv_stream(spread=(1.0,) * 4), "DEPTHWISE_CONV_2D")))
    assert scaled(alike).data == alike.data


def test_a_stream_without_a_hard_swish_after_a_depthwise_convolution_stays_as_it_is():
    plain = conv_stream()
    assert scaled(plain).data == plain.data


def test_a_state_that_does_not_begin_with_zeros_is_not_scaled(uneven):
    image, buffer, mean, count = uneven.contract.inputs
    begun = replace(
        uneven, contract=replace(uneven.contract, inputs=(image, buffer, replace(mean, initial=1.0), count))
    )
    assert scaled(begun).data == uneven.data


def test_what_lies_below_every_channels_zero_of_a_scaled_hard_swish_needs_no_codes(even):
    network = Network(even.file)
    gate = [one for one in network.operators if one.kind == "DEPTHWISE_CONV_2D"][-1]
    source = network.names[gate.inputs[0]]
    factors = network.constant(gate.inputs[1])
    clipped = clip_saturated(network, {source: Range(-1e6, 1e3)})
    assert clipped[source] == Range(-3 / float(factors.min()), 1e3)
