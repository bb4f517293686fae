"""Files as `torch.save` writes them, made without torch: opcodes of pickles, put together by hand."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]

STORAGES = {"<f4": "FloatStorage", "<f2": "HalfStorage", "<f8": "DoubleStorage", "<i8": "LongStorage"}
START, END, MARK, NONE, TRUE = b"\x80\x02", b".", b"(", b"N", b"\x88"
FOUR: Mapping[int, int] = {}
ORDERED = b"ccollections\nOrderedDict\n"


def text(value: str) -> bytes:
    """The opcode that pushes *value*."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """The opcode that pushes *value*."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def sequence(*items: bytes) -> bytes:
    """The opcodes that push a tuple of *items*."""
    return MARK + b"".join(items) + b"t"


def called(function: str, *arguments: bytes) -> bytes:
    """The opcodes that call *function*, such as `os.system`, with *arguments*."""
    module, _, name = function.rpartition(".")
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n" + sequence(*arguments) + b"R"


def mapping(entries: Mapping[str, bytes]) -> bytes:
    """The opcodes that push an `OrderedDict` of *entries*."""
    return ORDERED + b")R" + MARK + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def storage(key: str, count: int, dtype: str = "<f4", *, legacy: bool = False) -> bytes:
    """The opcodes that refer to the storage *key* of *count* values."""
    kind = b"ctorch\n" + STORAGES[dtype].encode() + b"\n"
    parts = (text("storage"), kind, text(key), text("cpu"), number(count))
    return sequence(*parts, *((NONE,) if legacy else ())) + b"Q"


def tensor(stored: bytes, shape: Sequence[int], strides: Sequence[int], *, offset: int = 0) -> bytes:
    """The opcodes that push a tensor in the storage that *stored* pushes."""
    sides, steps = (sequence(*map(number, numbers)) for numbers in (shape, strides))
    return called("torch._utils._rebuild_tensor_v2", stored, number(offset), sides, steps, TRUE, mapping({}))


def parameter(pushed: bytes) -> bytes:
    """The opcodes that push a parameter of the tensor that *pushed* pushes."""
    return called("torch._utils._rebuild_parameter", pushed, TRUE, mapping({}))


def module(parameters: Mapping[str, bytes], modules: Mapping[str, bytes], kind: str = "models.Net") -> bytes:
    """The opcodes that push an `nn.Module` of the class *kind*, restored from its state."""
    state = {
        "training": TRUE,
        "_parameters": mapping(parameters),
        "_buffers": mapping({}),
        "_modules": mapping(modules),
    }
    module_name, _, name = kind.rpartition(".")
    return b"c" + module_name.encode() + b"\n" + name.encode() + b"\n)\x81" + mapping(state) + b"b"


def tensors(arrays: Arrays, *, legacy: bool = False) -> dict[str, bytes]:
    """The opcodes that push each of *arrays*, in a storage of its own that is called by its number."""
    made = {}
    for key, (name, array) in enumerate(arrays.items()):
        strides = [step // array.itemsize for step in array.strides]
        stored = storage(str(key), array.size, array.dtype.str, legacy=legacy)
        made[name] = tensor(stored, array.shape, strides)
    return made


def nested(entries: Mapping[str, bytes]) -> bytes:
    """The opcodes that push a module with *entries* as its parameters, in modules by the parts of their names."""
    own = {name: parameter(value) for name, value in entries.items() if "." not in name}
    children: dict[str, dict[str, bytes]] = {}
    for name, value in entries.items():
        first, dot, rest = name.partition(".")
        if dot:
            children.setdefault(first, {})[rest] = value
    return module(own, {name: nested(inner) for name, inner in children.items()})


def write_zip(path: Path, pushed: bytes, storages: Sequence[bytes], *, compression: int = zipfile.ZIP_STORED) -> Path:
    """Write the file of torch 1.6 and later: a pickle of what *pushed* pushes, and *storages*."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("net/data.pkl", START + pushed + END)
        archive.writestr("net/byteorder", "little")
        for key, data in enumerate(storages):
            archive.writestr(f"net/data/{key}", data)
    return path


def write_legacy(path: Path, pushed: bytes, storages: Sequence[bytes], *, widths: Mapping[int, int] = FOUR) -> Path:
    """Write the file of earlier versions; *widths* are the bytes of a value in storages where these are not 4."""
    machine = mapping({"protocol_version": number(1001), "little_endian": TRUE})
    keys = b"]" + MARK + b"".join(text(str(key)) for key in range(len(storages))) + b"e"
    pickles = (number(0x1950A86A20F9469CFC6C), number(1001), machine, pushed, keys)
    data = b"".join(START + one + END for one in pickles)
    counts = [len(one) // widths.get(key, 4) for key, one in enumerate(storages)]
    data += b"".join(struct.pack("<q", count) + one for count, one in zip(counts, storages, strict=True))
    path.write_bytes(data)
    return path


def write_state_dict(path: Path, arrays: Arrays) -> Path:
    """Write a zip of the state dict *arrays*."""
    return write_zip(path, mapping(tensors(arrays)), [array.tobytes() for array in arrays.values()])
