"""A graph with states and a bank beside its image: its inputs and outputs in a .tflite, in the contract's order."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_streams import counting_graph

from detlite.convert.exporters.tflite import from_graph
from detlite.convert.model import session_of
from detlite.convert.tflite.heads import canonicalize, input_names, refreshed
from detlite.convert.tflite.signature import signed_inputs, signed_outputs
from detlite.convert.tflite.tensors import text_of
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.stream_inputs import StateInput
from detlite.runtime.tensors import Quantization

STATES = [f"s{k}" for k in range(12)]
GREY = np.full((2, 2, 3), 7, np.uint8)


@pytest.fixture(scope="module", params=[False, True], ids=["function", "frozen graph"])
def model(request):
    return from_graph(replace(counting_graph(), is_frozen=request.param), "float32")


def named(model, ends):
    return [text_of(model.file.subgraph.tensors[index].name) for index in getattr(model.file.subgraph, ends)]


def test_the_inputs_are_in_the_order_of_the_contract(model):
    assert named(model, "inputs") == ["image", *STATES[:3], "features", "features_count", *STATES[3:]]


def test_the_outputs_are_in_the_order_of_the_contract(model):
    assert named(model, "outputs") == [
        *(f"{name}_next" for name in STATES[:6]),
        "class_scores",
        *(f"{name}_next" for name in STATES[6:]),
    ]


def test_a_state_has_one_name_in_the_signature(model):
    given, made = signed_inputs(model.file.model), signed_outputs(model.file.model)
    assert sorted(set(given) & set(made)) == sorted(STATES)


def test_every_state_is_carried_to_its_own_input(model):
    session = session_of(model)
    for _frame in range(3):
        session.step(GREY)
    held = {one.name: session._memory._values[place].tolist() for place, one in session._memory._states.items()}
    assert held == {f"s{k}": [[3.0 * (k + 1)] * (k + 1)] for k in range(12)}


def test_a_bank_reaches_the_model(model):
    session = session_of(model)
    session.remember(np.array([[1, 2], [3, 4]], np.float32))
    assert session.step(GREY).scores == pytest.approx([7 + 10 * 2], abs=0.01)


def test_a_file_that_is_in_order_keeps_its_bytes(model):
    file = model.file.copy()
    canonicalize(file, outputs=model.contract.output_names, inputs=input_names(model.contract))
    assert file.data == model.data


def test_a_missing_input_is_named(model):
    names = ["elsewhere" if name == "s0" else name for name in input_names(model.contract)]
    with pytest.raises(InputError, match="has no input elsewhere; it has .*s1"):
        canonicalize(model.file.copy(), outputs=model.contract.output_names, inputs=names)


def changed(model, change):
    file = model.file.copy()
    change(file.edit().subgraphs[0])
    return file


def tensor_of(subgraph, name):
    return next(tensor for tensor in subgraph.tensors if text_of(tensor.name) == name)


def test_a_state_that_comes_out_in_another_shape_is_refused(model):
    def change(subgraph):
        tensor_of(subgraph, "s2_next").shape = np.array([3, 1], np.int32)

    with pytest.raises(InputError, match=r"s2 goes into the model as float32 \(1, 3\) and comes out as .* \(3, 1\)"):
        refreshed(model.contract, changed(model, change))


def test_a_state_that_comes_out_in_another_dtype_is_refused(model):
    def change(subgraph):
        tensor_of(subgraph, "s2_next").type = 2

    with pytest.raises(InputError, match=r"s2 goes into the model as float32 \(1, 3\) and comes out as int32"):
        refreshed(model.contract, changed(model, change))


def test_a_file_with_another_shape_than_the_contract_is_refused(model):
    states = tuple(replace(one, shape=(1, 99)) if one.kind == "state" else one for one in model.contract.inputs)
    with pytest.raises(ContractError, match=r"the state s0 of the model is \(1, 1\), the contract says \(1, 99\)"):
        refreshed(replace(model.contract, inputs=states), model.file)


def test_a_state_takes_its_dtype_and_scale_from_the_file(model):
    def change(subgraph):
        for name in ("s0", "s0_next"):
            tensor = tensor_of(subgraph, name)
            tensor.type = 9
            tensor.quantization.scale, tensor.quantization.zeroPoint = np.array([0.5]), np.array([-3])

    found = refreshed(model.contract, changed(model, change)).inputs[1]
    assert found == StateInput("s0", (1, 1), "int8", 0, 0.0, Quantization(0.5, -3))


def test_an_open_model_refuses_a_state_that_it_returns_in_another_shape(model):
    states = [one for one in model.contract.inputs if one.kind == "state"]
    swapped = {"s0": states[1].output, "s1": states[0].output}
    inputs = tuple(
        replace(one, output=swapped.get(one.name, one.output)) if one.kind == "state" else one
        for one in model.contract.inputs
    )
    with pytest.raises(ContractError, match=r"state s0 of the model is float32 \(1, 2\), the contract says float32"):
        session_of(replace(model, contract=replace(model.contract, inputs=inputs)))
