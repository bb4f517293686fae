"""How states are stored in a model of integers, by what the network does with them."""

from dataclasses import replace

import numpy as np
import pytest
from builders.conv_streams import BUFFER, COUNT, MEAN, conv_stream
from builders.float_models import FloatNet

from detlite.calibration.network import Network
from detlite.calibration.numbers.recurrence import recurrence
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import StateInput


@pytest.fixture(scope="module")
def found():
    model = conv_stream()
    network = Network(model.file)
    return network, recurrence(network, model.contract.inputs[1:])


def kinds(network, states):
    return sorted(one.kind for one in network.operators if one.name in states.operators)


def test_a_buffer_of_frames_is_carried_in_integers(found):
    network, states = found
    assert states.carried == ((network.inputs[BUFFER], network.outputs[BUFFER]),)


def test_a_running_mean_stays_float_with_its_arithmetic(found):
    network, states = found
    assert {network.inputs[MEAN], network.outputs[MEAN]} <= states.floating
    assert kinds(network, states) == ["ADD", "DIV", "SUB", "SUB"]  # the sum counts frames


def test_a_count_of_frames_stays_as_it_is(found):
    network, states = found
    assert {network.inputs[COUNT], network.outputs[COUNT]} <= states.floating


def network_of(net, begins, *outputs):
    file = TfliteFile(net.finish(*outputs))
    file.edit()
    file.subgraph.inputs = [net.image, *begins]
    return Network(file)


def states_of(net, *begins):
    return tuple(StateInput(f"s{i}", net.shape(one), "float32", i) for i, one in enumerate(begins))


def test_what_a_layer_makes_of_a_state_is_carried_in_integers():
    net = FloatNet((1, 4, 4, 3))
    state = net.tensor("state", (1, 4, 4, 3))
    summed = net.add("ADD", [net.image, state], [(1, 4, 4, 3)], "AddOptions")[0]
    following = net.conv(summed, 3)
    found = recurrence(network_of(net, [state], following), states_of(net, state))
    assert found.carried == ((state, following),)
    assert not found.operators


def test_two_states_that_add_to_each_other_stay_float():
    net = FloatNet((1, 4, 4, 3))
    one, other = (net.tensor(name, (1, 4, 4, 3)) for name in ("one", "other"))
    summed = net.add("ADD", [net.image, other], [(1, 4, 4, 3)], "AddOptions", name="summed")[0]
    moved = net.reshape(one, (1, 4, 4, 3))
    found = recurrence(network_of(net, [one, other], summed, moved), states_of(net, one, other))
    assert not found.carried
    assert "summed" in found.operators


def test_what_only_counts_lead_to_stays_float():
    net = FloatNet((1, 4, 4, 3))
    count = net.tensor("count", (1, 1, 1, 1))
    following = net.add("ADD", [count, net.constant(np.ones((1, 1, 1, 1)))], [(1, 1, 1, 1)], "AddOptions")[0]
    code = net.add("SIN", [count], [(1, 1, 1, 1)], name="code")[0]
    told = net.add("ADD", [net.image, code], [(1, 4, 4, 3)], "AddOptions", name="told")[0]
    found = recurrence(network_of(net, [count], following, net.conv(told, 2)), states_of(net, count))
    assert "code" in found.operators
    assert "told" not in found.operators


def test_a_state_that_comes_out_in_another_shape_is_refused():
    model = conv_stream()
    states = tuple(replace(one, output=0) for one in model.contract.inputs[1:])
    with pytest.raises(
        InputError, match=r"the state buffer is float32 \(1, 2, 64, 4\), and what it becomes is float32"
    ):
        recurrence(Network(model.file), states)


def test_a_model_with_other_inputs_than_its_contract_is_refused():
    model = conv_stream()
    with pytest.raises(InputError, match="the model has 4 inputs, its contract an image and 2 states"):
        recurrence(Network(model.file), model.contract.inputs[1:3])


@pytest.mark.parametrize(("kind", "in_float"), [("DIV", ["ADD", "ADD", "DIV"]), ("MUL", ["ADD", "ADD"])])
def test_a_sum_is_divided_by_a_count_in_float_and_multiplied_in_integers(kind, in_float):
    net = FloatNet((1, 1, 1, 3))
    total, count = net.tensor("total", (1, 1, 1, 3)), net.tensor("count", (1, 1, 1, 1))
    summed = net.add("ADD", [net.image, total], [(1, 1, 1, 3)], "AddOptions")[0]
    number = net.add("ADD", [count, net.constant(np.ones((1, 1, 1, 1)))], [(1, 1, 1, 1)], "AddOptions")[0]
    mean = net.add(kind, [summed, number], [(1, 1, 1, 3)], f"{kind.capitalize()}Options")[0]
    logits = net.add("DIV", [mean, net.conv(net.image, 3, window=1)], [(1, 1, 1, 3)], "DivOptions")[0]
    network = network_of(net, [total, count], summed, number, logits)
    assert kinds(network, recurrence(network, states_of(net, total, count))) == in_float
