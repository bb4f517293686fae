"""A file that is looked at more than once is parsed once, and what is changed is a copy of its own."""

import pytest
from builders.tiny_tflite import tiny_int8_model

from detlite.convert.tflite.flatbuffer import dump, load, peek
from detlite.runtime.errors import InputError


def test_the_same_bytes_are_parsed_once():
    data = tiny_int8_model()
    assert peek(data, "a model") is peek(bytes(bytearray(data)), "the same")


def test_what_is_loaded_can_be_changed_without_harm_to_what_is_looked_at():
    data = tiny_int8_model()
    before = peek(data, "a model")
    count = len(before.subgraphs[0].operators)
    load(data, "a model").subgraphs[0].operators.clear()
    assert len(peek(data, "a model").subgraphs[0].operators) == count > 0


def test_a_damaged_file_is_called_by_its_name_each_time():
    for name in ("one", "other"):
        with pytest.raises(InputError, match=f"{name} cannot be read as a TFLite model"):
            peek(b"TFL3", name)


def test_looking_and_loading_read_the_same():
    data = tiny_int8_model()
    assert dump(peek(data, "a model")) == dump(load(data, "a model"))
