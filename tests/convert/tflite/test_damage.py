"""Damaged .tflite files: one InputError, never a crash, a hang or gigabytes."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import tiny_contract, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.contract import contract_of_tflite
from detlite.convert.tflite.describe import describe
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.postprocess import attach, configure, strip
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of

WHOLE = attach(tiny_model(), tiny_contract())[0]


def read_everything(data: bytes, path) -> None:
    path.write_bytes(data)
    load(data, "x")
    describe(data, "x")
    contract = contract_of_tflite(path)
    attach(*strip(data, contract))
    configure(data, contract.with_task(nms=replace(detection_of(contract).nms, max_detections=3)))


def test_the_whole_file_is_read(tmp_path):
    read_everything(WHOLE, tmp_path / "x.tflite")


def test_writing_what_was_read_gives_the_same_bytes():
    assert dump(load(WHOLE, "x")) == WHOLE


@settings(max_examples=300, deadline=None)
@given(size=st.integers(0, len(WHOLE) - 1))
def test_a_truncated_file_is_refused(size, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "cut.tflite"
    try:
        read_everything(WHOLE[:size], path)
    except InputError as error:
        assert str(error)
    else:
        assert len(WHOLE) - size < 16, "only padding at the end may be missing"


@settings(max_examples=600, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(1, 255)), min_size=1, max_size=8))
def test_a_file_with_flipped_bytes_is_read_or_refused(flips, tmp_path_factory):
    data = bytearray(WHOLE)
    for at, mask in flips:
        data[at] ^= mask
    try:
        read_everything(bytes(data), tmp_path_factory.getbasetemp() / "flipped.tflite")
    except InputError as error:
        assert str(error)


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, len(WHOLE) // 4 - 1), value=st.sampled_from([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0]))
def test_absurd_numbers_are_read_or_refused(at, value, tmp_path_factory):
    data = bytearray(WHOLE)
    data[at * 4 : at * 4 + 4] = np.uint32(value).tobytes()
    try:
        read_everything(bytes(data), tmp_path_factory.getbasetemp() / "absurd.tflite")
    except InputError as error:
        assert str(error)


@pytest.mark.parametrize("data", [b"", b"\x00" * 8, b"\x1c\x00\x00\x00TFL3", b"\xff" * 100])
def test_what_is_no_tflite_is_refused(data):
    with pytest.raises(InputError, match="x cannot be read as a TFLite model"):
        load(data, "x")


def test_a_model_without_an_input_is_refused():
    model = load(tiny_model(), "x")
    model.subgraphs[0].inputs = []
    with pytest.raises(InputError, match="the model has no inputs; want an image"):
        attach(dump(model), tiny_contract())
