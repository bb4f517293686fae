"""PyTorch files of every form, read without torch; hostile and damaged ones, of which nothing runs."""

import zipfile

import numpy as np
import pytest
from builders.torch_files import (
    END,
    NONE,
    START,
    called,
    mapping,
    module,
    nested,
    number,
    parameter,
    sequence,
    storage,
    tensor,
    tensors,
    text,
    write_legacy,
    write_state_dict,
    write_zip,
)

from detlite.convert.rebuild.weights.stored import StateDictWeights
from detlite.convert.rebuild.weights.torch_file import is_torch_file, open_torch
from detlite.runtime.errors import InputError

ARRAYS = {
    "stem.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "stem.bias": np.array([0.5, -1.0], np.float32),
    "head.0.weight": np.linspace(0, 1, 6, dtype=np.float32).reshape(3, 2),
}
DATA = [array.tobytes() for array in ARRAYS.values()]
FORMS = {
    "zip of a state dict": lambda path: write_zip(path, mapping(tensors(ARRAYS)), DATA),
    "zip of a module": lambda path: write_zip(path, nested(tensors(ARRAYS)), DATA),
    "legacy state dict": lambda path: write_legacy(path, mapping(tensors(ARRAYS, legacy=True)), DATA),
    "legacy module": lambda path: write_legacy(path, nested(tensors(ARRAYS, legacy=True)), DATA),
    "training checkpoint": lambda path: write_zip(
        path, mapping({"epoch": number(7), "state_dict": mapping(tensors(ARRAYS))}), DATA
    ),
    "DataParallel": lambda path: write_zip(path, module({}, {"module": nested(tensors(ARRAYS))}), DATA),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_tensors(form, tmp_path):
    checkpoint = open_torch(FORMS[form](tmp_path / "net.pytorch"))
    assert {name: checkpoint.read(name).tolist() for name in checkpoint.variables} == {
        name: array.tolist() for name, array in ARRAYS.items()
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_known_by_its_content(form, tmp_path):
    assert is_torch_file(FORMS[form](tmp_path / "weights.bin"))


def test_a_zip_without_a_pickle_is_no_torch_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photos/1.jpg", b"")
    assert not is_torch_file(tmp_path / "photos.zip")


def test_a_transposed_tensor_is_read_by_its_strides(tmp_path):
    pushed = tensor(storage("0", 7), (2, 3), (1, 2), offset=1)
    path = write_zip(tmp_path / "t.pth", mapping({"w": pushed}), [np.arange(7, dtype=np.float32).tobytes()])
    assert open_torch(path).read("w").tolist() == [[1, 3, 5], [2, 4, 6]]


def test_half_floats_become_float32_weights(tmp_path):
    path = write_state_dict(tmp_path / "half.pth", {"w": np.array([1.5, -2.0], np.float16)})
    taken = StateDictWeights(open_torch(path)).take("w", (2,))
    assert (taken.dtype, taken.tolist()) == (np.float32, [1.5, -2.0])


def test_counters_of_batch_norms_are_not_unused_layers(tmp_path):
    path = write_state_dict(tmp_path / "n.pth", {"bn.num_batches_tracked": np.array(3, np.int64)})
    assert StateDictWeights(open_torch(path)).finish().layers == ()


@pytest.mark.data
def test_a_real_file_of_2019_has_its_184_entries(shared_data):
    checkpoint = open_torch(shared_data / "onnx" / "ultraface" / "version-slim-320.pth")
    kernel = checkpoint.read("base_net.0.0.weight")
    assert (len(checkpoint.variables), kernel.shape) == (184, (16, 3, 3, 3))
    assert np.abs(kernel).sum() == pytest.approx(82.0898, abs=1e-3)


# hostile files


@pytest.mark.parametrize("write", [write_zip, write_legacy])
@pytest.mark.parametrize(
    "function", ["os.system", "builtins.eval", "subprocess.call", "torch.storage._load_from_bytes"]
)
def test_a_call_in_a_pickle_is_not_made(write, function, tmp_path):
    mark = tmp_path / "ran"
    hostile = called(function, text(f"__import__('pathlib').Path({str(mark)!r}).touch() or touch {mark}"))
    legacy = write is write_legacy
    pushed = mapping({**tensors({"w": np.ones(1, np.float32)}, legacy=legacy), "x": hostile})
    checkpoint = open_torch(write(tmp_path / "hostile.pth", pushed, [np.ones(1, np.float32).tobytes()]))
    assert list(checkpoint.variables) == ["w"]
    assert not mark.exists()


def test_a_pickle_that_restores_a_function_changes_no_object(tmp_path):
    pushed = b"cbuiltins\nlen\n" + mapping({"__doc__": text("changed")}) + b"b"
    with pytest.raises(InputError, match="holds neither a module nor a state dict"):
        open_torch(write_zip(tmp_path / "h.pth", pushed, []))
    assert "changed" not in str(len.__doc__)


SQUARE = np.ones(4, np.float32).tobytes()
SHAPES = [
    ((2, 3), (3, 1), 0, "the tensor w reaches beyond its storage of 4 values"),
    ((2, 2), (2, 1), 1, "the tensor w reaches beyond its storage of 4 values"),
    ((2, 2), (2, 2), 0, "the tensor w reaches beyond its storage of 4 values"),
    ((1000, 1000), (0, 0), 0, "the tensor w reaches beyond its storage of 4 values"),
    ((2, 2), (-2, 1), 2, "the offset, shape or strides of the tensor w are not counts"),
    ((2, 2), (2, 1), -1, "the offset, shape or strides of the tensor w are not counts"),
    ((-2, 2), (2, 1), 0, "the offset, shape or strides of the tensor w are not counts"),
    ((2, 2), (1,), 0, "the offset, shape or strides of the tensor w are not counts"),
    ((1,) * 9, (1,) * 9, 0, "the offset, shape or strides of the tensor w are not counts"),
    ((1 << 70, 1), (1, 1), 0, "the offset, shape or strides of the tensor w are not counts"),
]


@pytest.mark.parametrize(("shape", "strides", "offset", "error"), SHAPES)
def test_a_tensor_beyond_its_storage_is_a_one_line_error(shape, strides, offset, error, tmp_path):
    pushed = mapping({"w": tensor(storage("0", 4), shape, strides, offset=offset)})
    with pytest.raises(InputError, match=f"^cannot read the PyTorch file .*h.pth: {error}$"):
        open_torch(write_zip(tmp_path / "h.pth", pushed, [SQUARE]))


def ones(**parts):
    return mapping({"w": tensor(storage("0", 4, **parts), (4,), (1,))})


def nest(levels, doubled):
    made = module({}, {})
    for _level in range(levels):
        made += b"q\x00" if doubled else b""  # the memo lets both children be one module
        child = {"a": b"h\x00", "b": b"h\x00"} if doubled else {}
        made = made + b"0" + module({}, child) if doubled else module({}, {"a": made})
    return made


PUSHED = [
    (nest(60, doubled=False), "nests modules more than 50 times"),
    (nest(30, doubled=True), "or holds more than 50000"),
    (b"(((lll", "holds neither a module nor a state dict"),
    (mapping({"w": tensor(NONE, (4,), (1,))}), "a tensor refers to something that is not a storage"),
    (mapping({"w": tensor(text("0") + b"Q", (4,), (1,))}), "a tensor refers to something that is not a storage"),
    (
        mapping(
            {"w": tensor(sequence(text("storage"), b"cos\nsystem\n", text("0"), NONE, number(4)) + b"Q", (4,), (1,))}
        ),
        "a storage is of os.system; want one of FloatStorage",
    ),
    (ones(legacy=False).replace(b"ctorch\nFloat", b"ctorch\nQInt8"), "a storage is of torch.QInt8Storage; want one of"),
    (b"\x82\x01", "its pickle has the opcode EXT1, which no file of weights needs"),
    (b"u", "its pickle is damaged or cut short"),
    (b"R", "its pickle is damaged or cut short: an opcode finds nothing on the stack"),
    (b"h\x05", "its pickle is damaged or cut short"),
    (b"X\xff\xff\xff\xff", "its pickle is damaged or cut short"),
    (NONE + b"r\xff\xff\xff\x7f", "holds neither a module nor a state dict"),  # memo 2**31: Python's own takes 32 GB
]


@pytest.mark.parametrize(("pushed", "error"), PUSHED)
def test_a_hostile_pickle_is_a_one_line_error(pushed, error, tmp_path):
    with pytest.raises(InputError, match=error) as caught:
        open_torch(write_zip(tmp_path / "h.pth", pushed, [SQUARE]))
    assert "\n" not in str(caught.value)


def test_a_pickle_without_end_is_a_one_line_error(tmp_path, monkeypatch):
    monkeypatch.setattr("detlite.convert.files.pickled.MAX_OPCODES", 100)
    with pytest.raises(InputError, match="its pickle has more than 100 opcodes"):
        open_torch(write_zip(tmp_path / "h.pth", (NONE + b"0") * 100 + NONE, []))


def test_a_record_of_another_size_is_a_one_line_error(tmp_path):
    checkpoint = open_torch(write_zip(tmp_path / "h.pth", ones(), [SQUARE[:-4]]))
    with pytest.raises(InputError, match="h.pth: its storage 0 has 12 bytes for 4 values"):
        checkpoint.read("w")


def test_a_missing_record_is_a_one_line_error(tmp_path):
    checkpoint = open_torch(write_zip(tmp_path / "h.pth", ones(), []))
    with pytest.raises(InputError, match="h.pth: its record data/0 is missing"):
        checkpoint.read("w")


def test_a_compressed_record_is_refused(tmp_path):
    path = write_zip(tmp_path / "h.pth", ones(), [SQUARE], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="its record byteorder is compressed or has more than"):
        open_torch(path)


def test_a_torchscript_archive_is_refused_by_name(tmp_path):
    path = write_zip(tmp_path / "s.pt", ones(), [SQUARE])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/constants.pkl", START + b")" + END)
    with pytest.raises(InputError, match=r"it is a TorchScript archive; save the state dict: torch.save"):
        open_torch(path)


def test_the_tar_of_2016_is_refused_by_name(tmp_path):
    path = tmp_path / "old.pth"
    path.write_bytes(b"sys_info".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0"))
    with pytest.raises(InputError, match="old.pth: it is a tar, the format of 2016: load it with a torch of that time"):
        open_torch(path)


def test_a_pickle_of_something_else_is_refused(tmp_path):
    path = tmp_path / "list.pth"
    path.write_bytes(START + b"]" + END)
    with pytest.raises(InputError, match="it is a pickle, but not one of torch.save"):
        open_torch(path)


def test_a_view_of_a_storage_is_refused(tmp_path):
    view = sequence(text("v"), number(0), number(4))
    pushed = ones(legacy=True).replace(NONE + b"tQ", view + b"tQ")
    with pytest.raises(InputError, match="a storage is a view of another one"):
        open_torch(write_legacy(tmp_path / "v.pth", pushed, [SQUARE]))


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_a_file_cut_short_anywhere_is_a_one_line_error(write, tmp_path):
    pushed = nested(tensors(ARRAYS, legacy=write is write_legacy))
    path = write(tmp_path / "net.pth", pushed, DATA)
    whole = path.read_bytes()
    for size in range(1, len(whole), 13):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="^cannot read the PyTorch file [^\n]*$"):
            open_torch(path)


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_damaged_bytes_are_one_line_errors_or_other_tensors(write, tmp_path):
    pushed = nested(tensors(ARRAYS, legacy=write is write_legacy))
    path = write(tmp_path / "net.pth", pushed, DATA)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for _trial in range(150):
        damaged = bytearray(whole)
        for _byte in range(3):
            damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
        path.write_bytes(damaged)
        try:
            checkpoint = open_torch(path)
            values = [checkpoint.read(name) for name in checkpoint.variables]
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert sum(value.size for value in values) <= 64


def test_a_parameter_is_its_tensor(tmp_path):
    pushed = mapping({"w": parameter(tensor(storage("0", 4), (4,), (1,)))})
    assert open_torch(write_zip(tmp_path / "p.pth", pushed, [SQUARE])).read("w").tolist() == [1, 1, 1, 1]
