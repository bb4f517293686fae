"""An open file is parsed once, changed in place, and written once."""

import pytest
from builders.tiny_tflite import tiny_int8_model, tiny_model

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.open_file import TfliteFile
from detlite.runtime.errors import InputError

LABELS = {"labels.txt": b"cat\n"}


def test_a_file_that_is_not_changed_keeps_its_very_bytes():
    data = with_files(tiny_model(), LABELS)
    file = TfliteFile(data)
    assert file.model.subgraphs
    assert file.data is data


def test_a_change_is_in_the_bytes():
    file = TfliteFile(tiny_model())
    file.edit().description = "changed"
    assert load(file.data, "a model").description == b"changed"


def test_a_copy_can_be_changed_without_harm_to_the_file():
    data = tiny_int8_model()
    file = TfliteFile(data)
    copied = file.copy()
    model = copied.edit()
    model.subgraphs[0].tensors[0].name = "other"
    model.subgraphs[0].operators[0].inputs[0] = 1
    model.subgraphs[0].operators.clear()
    model.buffers.clear()
    assert file.data is data
    assert dump(file.model) == dump(load(data, "a model"))


def test_a_copy_of_a_changed_file_has_the_change():
    file = TfliteFile(tiny_model())
    file.edit().description = "changed"
    assert file.copy().data == file.data


def test_a_change_drops_what_is_appended():
    file = TfliteFile(with_files(tiny_model(), LABELS))
    file.edit()
    assert appended_files(file.data) == {}


def test_what_is_appended_stays_where_that_is_asked_for():
    file = TfliteFile(with_files(tiny_model(), LABELS))
    file.edit(keep_appended=True)
    assert appended_files(file.data) == LABELS


@pytest.mark.parametrize("name", ["one", "other"])
def test_a_damaged_file_is_called_by_its_name(name):
    with pytest.raises(InputError, match=f"{name} cannot be read as a TFLite model"):
        TfliteFile(b"TFL3", name).edit()
