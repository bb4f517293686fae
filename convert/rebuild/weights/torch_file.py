"""Reader of PyTorch files, a state dict or a whole module from `torch.save`: without torch, and nothing of it runs.

Since torch 1.6 a file is a zip of a pickle and one record for each storage. Before, it was five pickles in a row (a
magic number, a version, facts of the machine, the object, the names of its storages) and then the storages
(`torch/serialization.py`).
"""

from __future__ import annotations

import io
import math
import mmap
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from detlite.convert.files.pickled import PersistentId, PickledName, read_pickle
from detlite.convert.rebuild.weights.pieces import bfloat16
from detlite.convert.rebuild.weights.stored import Checkpoint, Variable
from detlite.convert.rebuild.weights.torch_state import StoredTensor, tensors_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

SUFFIXES = (".pytorch", ".pth", ".pt")
MAX_BYTES = 2 << 30
MAX_PICKLE_BYTES = 64 << 20
"""The limit for the pickle alone; a module with 20 million parameters has a pickle of 0.2 MB."""

ZIP_START, PICKLE_START = b"PK\3\4", b"\x80"
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
LARGEST = 1 << 62
MAX_SIDES = 8
MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x8a\x0a" + MAGIC.to_bytes(10, "little") + b"."
"""The pickle of `MAGIC`, after its two bytes of a protocol's version."""

PROTOCOL = 1001
PICKLE = "/data.pkl"
STORAGES = {
    "FloatStorage": ("<f4", "float32"),
    "DoubleStorage": ("<f8", "float64"),
    "HalfStorage": ("<f2", "float16"),
    "BFloat16Storage": ("<u2", "bfloat16"),
    "LongStorage": ("<i8", "int64"),
    "IntStorage": ("<i4", "int32"),
    "ShortStorage": ("<i2", "int16"),
    "CharStorage": ("i1", "int8"),
    "ByteStorage": ("u1", "uint8"),
    "BoolStorage": ("?", "bool"),
}
"""(numpy's dtype, the name of the dtype) of each class of storages in the module `torch`."""

DAMAGE = (InputError, zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError)
"""What reading a damaged file raises: `zipfile` seeks to where a damaged entry points."""

ReadStorage = Callable[[str], bytes]
"""Returns the bytes of a storage by its key."""


@dataclass(frozen=True)
class _Storage:
    """A storage as the pickle describes it: its key, the name of its class, its number of values."""

    key: str
    kind: str
    count: int


def is_torch_file(path: Path) -> bool:
    """Return whether the file at *path* is one that `torch.save` wrote, by its content, or by its name."""
    with path.open("rb") as file:
        start = file.read(len(LEGACY_START) + 2)
    if start.startswith(ZIP_START):
        try:
            with zipfile.ZipFile(path) as archive:
                return any(name.count("/") == 1 and name.endswith(PICKLE) for name in archive.namelist())
        except DAMAGE:
            return False
    return start[2:] == LEGACY_START or path.suffix.lower() in SUFFIXES


def open_torch(path: Path) -> Checkpoint:
    """Return the tensors of the file at *path* by their names in the state dict.

    Raises:
        InputError: it is damaged, too large, in the format of 2016, or holds no tensors.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path} has {size} bytes; the limit for a PyTorch file is {MAX_BYTES}")
    try:
        value, read_storage = _parts(path)
        tensors = tensors_of(value)
        storages = {name: _storage_of(tensor.storage) for name, tensor in tensors.items()}
        variables = {name: _variable(name, tensors[name], storages[name]) for name in tensors}
    except DAMAGE as error:
        raise _damaged(path, error) from error
    if not tensors:
        raise InputError(f"the PyTorch file {path} holds neither a module nor a state dict: want one of them")

    def read(name: str) -> NDArray[Any]:
        try:
            return _values(tensors[name], storages[name], read_storage)
        except DAMAGE as error:
            raise _damaged(path, error) from error

    return Checkpoint(path, variables, read)


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"cannot read the PyTorch file {path}: {' '.join(str(error).split())[:300]}")


def _parts(path: Path) -> tuple[Any, ReadStorage]:
    """Return what the file's pickle holds, and what reads its storages."""
    with path.open("rb") as file:
        start = file.read(TAR_MAGIC_AT + len(TAR_MAGIC))
    if start.startswith(ZIP_START):
        return _of_zip(path)
    if start[TAR_MAGIC_AT:] == TAR_MAGIC:
        raise InputError("it is a tar, the format of 2016: load it with a torch of that time and save it again")
    if not start.startswith(PICKLE_START):
        raise InputError("it is neither a zip nor a pickle, as torch.save writes them")
    return _of_pickles(path)


def _of_zip(path: Path) -> tuple[Any, ReadStorage]:
    archive = zipfile.ZipFile(path)  # stays open for the storages
    names = archive.namelist()
    roots = [name.removesuffix(PICKLE) for name in names if name.endswith(PICKLE)]
    if len(roots) != 1:
        raise InputError(f"it has {counted(len(roots), 'record')} called data.pkl; want one")
    root = roots[0]
    if f"{root}/constants.pkl" in names:
        raise InputError("it is a TorchScript archive; save the state dict: torch.save(model.state_dict(), FILE)")

    def record(name: str, limit: int) -> bytes:
        try:
            info = archive.getinfo(f"{root}/{name}")
        except KeyError as error:
            raise InputError(f"its record {name} is missing") from error
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > limit:
            raise InputError(
                f"its record {name} is compressed or has more than {limit} bytes; torch writes no such one"
            )
        return archive.read(info)

    if f"{root}/byteorder" in names and record("byteorder", MAX_PICKLE_BYTES) != b"little":
        raise InputError("it was written on a big-endian machine, which is unsupported; save it on a little-endian one")
    value = read_pickle(io.BytesIO(record("data.pkl", MAX_PICKLE_BYTES))).value
    return value, lru_cache(maxsize=4)(lambda key: record(f"data/{key}", MAX_BYTES))


def _of_pickles(path: Path) -> tuple[Any, ReadStorage]:
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    stream = cast(IO[bytes], data)
    if read_pickle(stream).value != MAGIC:
        raise InputError("it is a pickle, but not one of torch.save")
    if read_pickle(stream).value != PROTOCOL:
        raise InputError(f"its format has another version than {PROTOCOL}")
    machine = read_pickle(stream).value
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise InputError("it was written on a big-endian machine, which is unsupported; save it on a little-endian one")
    pickled, keys = read_pickle(stream), read_pickle(stream).value
    storages = [_storage_of(one) for one in pickled.references if _is_storage(one)]
    places = _places(data, keys, {one.key: np.dtype(STORAGES[one.kind][0]).itemsize for one in storages})

    def read_storage(key: str) -> bytes:
        if key not in places:
            raise InputError(f"its storage {key[:40]} is missing")
        return data[places[key]]

    return pickled.value, lru_cache(maxsize=4)(read_storage)


def _places(data: mmap.mmap, keys: Any, widths: Mapping[str, int]) -> dict[str, slice]:
    """Return where the bytes of each storage are: a count of values in 8 bytes precedes them."""
    at, places = data.tell(), {}
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in widths:
            raise InputError("it holds a storage that no tensor uses, whose size is unknown")
        (count,) = struct.unpack("<q", data[at : at + 8]) if at + 8 <= len(data) else (-1,)
        end = at + 8 + count * widths[key]
        if count < 0 or end > len(data):
            raise InputError(f"its storage {key[:40]} ends after the file's last byte, {len(data)}")
        places[key] = slice(at + 8, end)
        at = end
    return places


def _is_storage(reference: PersistentId) -> bool:
    """Return whether *reference* is to a storage; the others are to modules' source code."""
    return isinstance(reference.key, tuple) and reference.key[:1] == ("storage",)


def _storage_of(reference: Any) -> _Storage:
    """Return the storage of a *reference*: ("storage", class, key, device, number of values), and perhaps a view."""
    if not isinstance(reference, PersistentId) or not _is_storage(reference) or len(reference.key) < 5:
        raise InputError("a tensor refers to something that is not a storage")
    kind, key, _device, count, *view = reference.key[1:]
    if view and view[0] is not None:
        raise InputError("a storage is a view of another one: save the file again with torch 0.4 or later")
    if not isinstance(kind, PickledName) or kind.module not in ("torch", "torch.storage") or kind.name not in STORAGES:
        found = kind if isinstance(kind, PickledName) else "no class"
        raise InputError(f"a storage is of {found}; want one of {', '.join(STORAGES)}")
    if not isinstance(key, str) or not _is_count(count):
        raise InputError("a storage has no name, or no number of values")
    return _Storage(key, kind.name, count)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST


def _variable(name: str, tensor: StoredTensor, storage: _Storage) -> Variable:
    """Return the description of *tensor*, whose offset, shape and strides are checked against its storage."""
    shape, strides = tensor.shape, tensor.strides
    numbers = (tensor.offset, *shape, *strides)
    if len(shape) != len(strides) or len(shape) > MAX_SIDES or not all(map(_is_count, numbers)):
        raise InputError(f"the offset, shape or strides of the tensor {name[:80]} are not counts")
    last = tensor.offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and (last >= storage.count or math.prod(shape) > storage.count):
        raise InputError(f"the tensor {name[:80]} reaches beyond its storage of {counted(storage.count, 'value')}")
    return Variable(shape, STORAGES[storage.kind][1])


def _values(tensor: StoredTensor, storage: _Storage, read_storage: ReadStorage) -> NDArray[Any]:
    dtype, name = STORAGES[storage.kind]
    data = read_storage(storage.key)
    if len(data) != storage.count * np.dtype(dtype).itemsize:
        raise InputError(f"its storage {storage.key[:40]} has {len(data)} bytes for {counted(storage.count, 'value')}")
    flat: NDArray[Any] = np.frombuffer(data, dtype)
    steps = tuple(stride * flat.itemsize for stride in tensor.strides)
    values = np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, steps, writeable=False).copy()
    return bfloat16(values) if name == "bfloat16" else values
