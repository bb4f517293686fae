"""TFLite metadata: what is written is read back, in the order of the op's outputs, and damage is an error."""

from dataclasses import replace

import numpy as np
import pytest
from builders.tiny_tflite import run_model, tiny_contract, tiny_int8_model, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.boundary import with_uint8_input
from detlite.convert.tflite.flat_value import Number, Numbers, write_flatbuffer
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import refreshed
from detlite.convert.tflite.metadata import metadata_of, normalization_of, read_metadata
from detlite.convert.tflite.metadata_write import About, label_lines, with_metadata
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import attach
from detlite.convert.tflite.runtime_version import stated_runtime_version
from detlite.convert.tflite.tables import root_table
from detlite.runtime.errors import ContractError, InputError

ABOUT = About("demo", "Finds things.")
RAW, RAW_CONTRACT = tiny_model(), tiny_contract()
MODEL, CONTRACT = attach(RAW, RAW_CONTRACT)
WRITTEN = with_metadata(MODEL, CONTRACT, ABOUT)


def read(data):
    return read_metadata(load(data, "x"))


def shuffled():
    """The model with its outputs in another order, and the contract of that."""
    model = load(MODEL, "x")
    boxes, classes, scores, count = model.subgraphs[0].outputs
    model.subgraphs[0].outputs = [classes, count, boxes, scores]  # as TensorFlow's int8 converter leaves them
    index = {"classes": 0, "count": 1, "boxes": 2, "scores": 3}
    outputs = tuple(replace(output, index=index[output.role]) for output in CONTRACT.outputs)
    return dump(model), replace(CONTRACT, outputs=outputs)


def test_what_is_said_of_the_model_is_read_back():
    found = read(WRITTEN)
    assert (found.name, found.description, found.min_parser_version) == ("demo", "Finds things.", "1.2.0")
    assert found.groups == {"detection_result": ("location", "category", "score")}


def test_outputs_are_described_in_the_order_of_the_model():
    names = [tensor.name for tensor in read(with_metadata(*shuffled(), ABOUT)).outputs]
    assert names == ["category", "number of detections", "location", "score"]


def test_outputs_are_not_told_by_their_position():
    with pytest.raises(ContractError, match=r"outputs are classes, count, boxes, scores; its contract says boxes,"):
        with_metadata(shuffled()[0], CONTRACT, ABOUT)


def test_the_classes_have_the_label_file():
    files = {tensor.name: tensor.files for tensor in read(WRITTEN).outputs}
    assert files["category"] == ("labels.txt",)
    assert appended_files(WRITTEN) == {"labels.txt": b"class 0\nclass 1\nclass 2\n"}


def test_scores_are_said_to_be_0_to_1():
    score = next(tensor for tensor in read(WRITTEN).outputs if tensor.name == "score")
    assert (score.low, score.high) == ((0.0,), (1.0,))


def test_a_float_inputs_normalization_and_limits_are_written():
    contract = CONTRACT.with_image(replace(CONTRACT.image, mean=(127.5,), std=(127.5,)))
    image = read(with_metadata(MODEL, contract, ABOUT)).inputs[0]
    assert (image.mean, image.std, image.low, image.high) == ((127.5,), (127.5,), (-1.0,), (1.0,))


def test_an_integer_input_takes_pixels():
    data, contract = with_uint8_input(
        *attach(tiny_int8_model(), refreshed(RAW_CONTRACT, TfliteFile(tiny_int8_model())))
    )
    image = read(with_metadata(data, contract, ABOUT)).inputs[0]
    assert (image.low, image.high) == ((0.0,), (255.0,))


def test_the_same_inputs_give_the_same_bytes():
    assert with_metadata(MODEL, CONTRACT, ABOUT) == WRITTEN


def test_the_model_finds_what_it_found_before():
    image = np.random.default_rng(0).normal(size=(1, 6, 8, 1)).astype(np.float32)
    for before, after in zip(run_model(MODEL, image), run_model(WRITTEN, image), strict=True):
        assert np.array_equal(before, after)


def test_metadata_that_is_there_is_not_written_over():
    with pytest.raises(InputError, match=r"has TFLite metadata already: pass --replace-metadata"):
        with_metadata(WRITTEN, CONTRACT, ABOUT)


def test_replaced_metadata_leaves_no_trace():
    other = with_metadata(MODEL, replace(CONTRACT, labels=("a", "b", "c")), About("other"))
    assert with_metadata(other, CONTRACT, ABOUT, replace_old=True) == WRITTEN


def test_other_files_behind_the_model_stay():
    data = with_metadata(with_files(MODEL, {"notes.txt": b"n"}), CONTRACT, ABOUT)
    assert set(appended_files(data)) == {"notes.txt", "labels.txt"}


def test_raw_heads_have_nothing_to_describe():
    with pytest.raises(InputError, match=r"raw heads.*detlite postprocess --add"):
        with_metadata(RAW, RAW_CONTRACT, ABOUT)


def test_a_contract_with_other_classes_than_the_op_is_refused():
    with pytest.raises(ContractError, match=r"2 labels for the 3 classes of the op"):
        with_metadata(MODEL, replace(CONTRACT, labels=("a", "b")), ABOUT)


@pytest.mark.parametrize("label", ["two\nlines", "", " padded", "Löwe", "tab\there", "\x7f"])
def test_a_label_that_is_no_line_of_ascii_is_refused(label):
    with pytest.raises(InputError, match=r"label 1 is .*want printable ASCII on one line"):
        label_lines(("cat", label))


def test_gaps_are_labels():
    assert label_lines(("cat", "???")) == b"cat\n???\n"


def test_an_int8_model_with_a_uint8_input_finds_the_same():
    data, contract = attach(tiny_int8_model(), refreshed(RAW_CONTRACT, TfliteFile(tiny_int8_model())))
    changed, said = with_uint8_input(data, contract)
    pixels = np.random.default_rng(1).integers(0, 256, (1, 6, 8, 1), np.uint8)
    before = run_model(data, (pixels.astype(np.int16) - 128).astype(np.int8))
    for one, other in zip(before, run_model(changed, pixels), strict=True):
        assert np.array_equal(one, other)
    assert (said.image.dtype, said.image.quantization.zero_point) == ("uint8", 125)


def test_only_an_int8_input_becomes_uint8():
    with pytest.raises(InputError, match=r"input is float32; an int8 one becomes uint8"):
        with_uint8_input(MODEL, CONTRACT)


def test_a_model_without_metadata_has_none():
    assert read(MODEL) is None
    assert normalization_of(load(MODEL, "x")) is None


def test_the_converters_runtime_version_is_read():
    from ai_edge_litert.schema_py_generated import BufferT, MetadataT

    model = load(MODEL, "x")
    buffer, entry = BufferT(), MetadataT()
    buffer.data = np.frombuffer(b"2.5.0".ljust(16, b"\0"), np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = "min_runtime_version", len(model.buffers) - 1
    model.metadata.append(entry)
    assert stated_runtime_version(load(dump(model), "x")) == "2.5.0"
    assert stated_runtime_version(load(MODEL, "x")) == ""


def damaged(change):
    """The metadata of `WRITTEN` with *change* made to its bytes, in a model."""
    model = load(WRITTEN, "x")
    raw = bytearray(metadata_of(model))
    change(raw)
    entry = next(item for item in model.metadata if item.name == b"TFLITE_METADATA")
    model.buffers[entry.buffer].data = np.frombuffer(bytes(raw), np.uint8)
    return model


def test_metadata_without_its_mark_is_refused():
    def other_mark(raw):
        raw[4:8] = b"TFL3"

    with pytest.raises(InputError, match=r"metadata is damaged: it begins with b'TFL3'; want b'M001'"):
        read_metadata(damaged(other_mark))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.booleans())
def test_damaged_metadata_is_read_or_refused(at, value, cut):
    def change(raw):
        place = at % len(raw)
        raw[place] = value
        if cut:
            del raw[place:]

    try:
        read_metadata(damaged(change))
    except InputError as error:
        assert "the model's TFLite metadata is damaged" in str(error)


def with_outputs(count):
    """A model whose metadata is of *count* outputs."""
    model = load(WRITTEN, "x")
    entry = next(item for item in model.metadata if item.name == b"TFLITE_METADATA")
    many = write_flatbuffer({3: [{3: [{0: f"state {number}"} for number in range(count)]}]}, b"M001")
    model.buffers[entry.buffer].data = np.frombuffer(many, np.uint8)
    return model


def test_a_stream_has_metadata_for_each_of_its_many_states():
    found = read_metadata(with_outputs(240))
    assert [tensor.name for tensor in found.outputs[:2]] == ["state 0", "state 1"]
    assert len(found.outputs) == 240


def test_a_list_of_absurdly_many_tensors_is_refused():
    with pytest.raises(InputError, match=r"a list of 1025 items in it; want at most 1024"):
        read_metadata(with_outputs(1025))


def test_a_zero_that_is_meant_stands_in_the_flatbuffer():
    root = root_table(write_flatbuffer({1: Number("b", 0)}, b"TEST"))
    assert root.field(0) is None
    assert root.field(1) is not None


@given(values=st.lists(st.floats(width=32, allow_nan=False), max_size=8), text=st.text(max_size=20))
def test_plain_values_are_read_back_from_a_flatbuffer(values, text):
    written = write_flatbuffer({0: text, 2: {1: Numbers("f", tuple(values))}, 3: [text, text]}, b"TEST")
    root = root_table(written)
    assert root.text(0).encode() == text.encode()
    assert root.table(2).floats(1) == tuple(values)
    assert len(root.spans(3)) == 2
