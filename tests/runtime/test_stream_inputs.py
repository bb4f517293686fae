"""Models of more than one image: states and banks, clips, and how a stream is run."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_streams import bank_reader, clip_reader, running_sum, window_reader

from detlite.convert.model import session_of
from detlite.runtime.contract import contract_from_json
from detlite.runtime.errors import ContractError
from detlite.runtime.memory import quantized
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.tensors import Quantization


def grey(value):
    return np.full((4, 4, 3), value, np.uint8)


def scores(result):
    return [round(float(score)) for score in result.scores]


@pytest.mark.parametrize("make", [running_sum, bank_reader, clip_reader, window_reader])
def test_a_contract_of_more_inputs_is_read_as_it_was_written(make):
    text = make().contract.to_json()
    assert '"schema_version": 3' in text
    assert contract_from_json(text).to_json() == text


def test_a_state_is_carried_from_frame_to_frame():
    session = session_of(running_sum())
    assert [scores(session.step(grey(value))) for value in (10, 20, 30)] == [[10], [30], [60]]


def test_a_reset_begins_a_new_stream():
    session = session_of(running_sum(initial=5.0))
    session.step(grey(10))
    session.reset()
    assert scores(session.step(grey(20))) == [25]


def test_an_image_alone_knows_no_frame_before():
    session = session_of(running_sum())
    session.step(grey(10))
    assert scores(session.run(grey(20))) == [20]


def test_invoking_alone_carries_no_state():
    session = session_of(running_sum())
    tensor = session.preprocess(grey(10))
    for _ in range(2):
        session.invoke(tensor)
        assert session.heads()["class_scores"].tolist() == [pytest.approx(10, abs=0.1)]


def test_an_integer_state_takes_the_scale_of_the_input():
    assert quantized(np.array([1.0, -9.0], np.float32), "int8", Quantization(0.5, 3)).tolist() == [5, -15]


def test_a_bank_is_filled_up_with_zeros():
    session = session_of(bank_reader())
    session.remember(np.array([[1, 2], [3, 4]], np.float32))
    assert scores(session.run(grey(0))) == [4, 6]


def test_a_bank_begins_empty_and_stays_when_a_stream_begins():
    session = session_of(bank_reader())
    assert scores(session.run(grey(0))) == [0, 0]
    session.remember(np.array([[7, 8]], np.float32))
    session.reset()
    assert scores(session.run(grey(0))) == [7, 8]


def test_features_that_do_not_fit_the_bank_are_refused():
    with pytest.raises(ContractError, match=r"features \(4, 2\) for the bank features: want \(n, 2\), at most 3 rows"):
        session_of(bank_reader()).remember(np.zeros((4, 2), np.float32))


def test_a_model_without_a_bank_takes_no_features():
    with pytest.raises(ContractError, match="no bank of features to fill"):
        session_of(running_sum()).remember(np.zeros((1, 2), np.float32))


def test_a_clip_ends_with_the_newest_frame_and_has_its_stride():
    session = session_of(clip_reader(frames=3, stride=2))
    seen = [scores(session.step(grey(value))) for value in (10, 20, 30, 40, 50, 60)]
    assert seen == [[10, 10, 10], [10, 10, 20], [10, 10, 30], [10, 20, 40], [10, 30, 50], [20, 40, 60]]


def test_a_clip_is_run_whole():
    session = session_of(clip_reader(frames=3))
    assert scores(session.run_clip([grey(1), grey(2), grey(3)])) == [1, 2, 3]


def test_an_image_fills_a_clip():
    assert scores(session_of(clip_reader(frames=3)).run(grey(9))) == [9, 9, 9]


@pytest.mark.parametrize(
    ("make", "takes"), [(clip_reader, "the model takes clips of 3 frames"), (running_sum, "the model takes one image")]
)
def test_a_clip_of_another_length_is_refused(make, takes):
    with pytest.raises(ContractError, match=takes):
        session_of(make()).run_clip([grey(1)])


def clip(frames, stride):
    return ClipInput(clip_reader().contract.image, frames, stride)


@pytest.mark.parametrize(
    ("frames", "stride", "count", "cut"),
    [(3, 2, 6, (0, 2, 4)), (3, 2, 9, (1, 3, 5)), (3, 2, 3, (0, 2, 1)), (3, 1, 1, (0, 0, 0)), (4, 2, 4, (0, 2, 0, 2))],
)
def test_the_middle_clip_of_a_video(frames, stride, count, cut):
    assert clip(frames, stride).cut(count) == cut


def test_two_outputs_with_one_number_are_refused():
    text = running_sum().contract.to_json().replace('"output": 1', '"output": 0')
    with pytest.raises(ContractError, match="'state sum'.* have the numbers"):
        contract_from_json(text)


def test_a_model_with_other_inputs_than_its_contract_is_refused(tmp_path):
    model = running_sum()
    alone = type(model)(model.data, model.format, clip_reader().contract, model.history)
    with pytest.raises(ContractError, match="the model has 2 inputs, its contract 1"):
        session_of(alone)


def reordered(model, order):
    """The same model with its inputs in another order, which its contract states."""
    file = model.file.copy()
    subgraph = file.edit().subgraphs[0]
    subgraph.inputs = [subgraph.inputs[order.index(place)] for place in range(len(order))]
    return type(model)(file.data, "tflite", replace(model.contract, input_order=order), model.history)


def test_inputs_in_another_order_are_fed_by_their_places():
    model = reordered(running_sum(), (1, 0))
    assert model.file.subgraph.inputs[1] == running_sum().file.subgraph.inputs[0]
    session = session_of(model)
    assert [scores(session.step(grey(value))) for value in (10, 20, 30)] == [[10], [30], [60]]


def test_the_order_of_inputs_is_written_and_read():
    contract = reordered(running_sum(), (1, 0)).contract
    assert contract_from_json(contract.to_json()).input_order == (1, 0)
    assert "input_order" not in running_sum().contract.to_json()


@pytest.mark.parametrize("order", [(0,), (0, 0), (1, 2), (0, 1, 2)])
def test_an_order_that_does_not_name_each_input_once_is_refused(order):
    with pytest.raises(ContractError, match="of 2 tensors: want each number once"):
        replace(running_sum().contract, input_order=order)


def test_a_stream_of_several_frames_at_once_is_refused():
    state = running_sum().contract.inputs[1]
    with pytest.raises(ContractError, match="takes 3 frames at once: a stream is run frame by frame"):
        replace(clip_reader().contract, inputs=(clip_reader().contract.inputs[0], replace(state, output=1)))


def test_a_model_is_told_where_the_image_is_in_its_input():
    session = session_of(window_reader())
    assert session.run(np.zeros((4, 8, 3), np.uint8)).scores.tolist() == [0, 0, 0.5, 1]
    assert session.run(np.zeros((8, 4, 3), np.uint8)).scores.tolist() == [0, 0, 1, 0.5]


def test_a_tensor_of_an_image_of_unknown_size_fills_the_input():
    session = session_of(window_reader())
    session.invoke(session.preprocess(grey(0)))
    assert session.heads()["class_scores"].tolist() == [0, 0, 1, 1]
    session.invoke(session.preprocess(grey(0)), (4, 8))
    assert session.heads()["class_scores"].tolist() == [0, 0, 0.5, 1]
