"""Reader of V2 checkpoints: an index of all variables, and their values in one or more shards.

The format is described in `tensorflow/core/protobuf/tensor_bundle.proto`. TensorFlow's own reader is not used: it
aborts the process on a damaged shape, and treats a path with brackets as a glob pattern.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.rebuild.weights.crc32c import crc32c, masked_crc32c
from detlite.convert.rebuild.weights.pieces import Extent, assemble, bfloat16, dtype_of, extents_of, shape_of
from detlite.convert.rebuild.weights.stored import Checkpoint, Variable
from detlite.convert.rebuild.weights.table import name_of_piece, read_table, varint
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.counts import agreed, counted
from detlite.runtime.errors import InputError

STORED_AS = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<u2"}
BIG_ENDIAN = 1


@dataclass(frozen=True)
class Entry:
    """The location of a variable, or of one piece of it.

    Attributes:
        variable: its shape and dtype.
        shard: the file that holds it.
        begin: offset of its first byte in that file.
        size: number of bytes.
        crc: masked CRC-32C of these bytes.
        places: the extents of its pieces, which have their own entries; empty if it is stored in one piece.
    """

    variable: Variable
    shard: Path
    begin: int
    size: int
    crc: int
    places: tuple[tuple[Extent, ...], ...]

    def raw(self) -> bytes:
        """Return its bytes, unchecked; fewer if the file has been truncated."""
        with self.shard.open("rb") as file:
            file.seek(self.begin)
            return file.read(self.size)

    def numbers(self) -> NDArray[Any]:
        """Return its values; raise `InputError` if its dtype is not in `STORED_AS`, or the checksum is wrong."""
        if self.variable.dtype not in STORED_AS:
            raise InputError(f"a piece of dtype {self.variable.dtype}; want one of {', '.join(STORED_AS)}")
        data = self.raw()
        if len(data) != self.size or masked_crc32c(data) != self.crc:
            raise InputError(f"the checksum of {self.size} bytes of {self.shard.name} is wrong")
        values = np.frombuffer(data, STORED_AS[self.variable.dtype]).reshape(self.variable.shape)
        return bfloat16(values) if self.variable.dtype == "bfloat16" else values

    def text(self) -> bytes:
        """Return the value of a scalar string, stored as a length, a checksum of the length, and the bytes."""
        data = memoryview(self.raw())
        length, at = varint(data, 0)
        check, text = data[at : at + 4], bytes(data[at + 4 :])
        begin = crc32c(length.to_bytes(4 if length < 1 << 32 else 8, "little"))
        if length != len(text) or masked_crc32c(text, crc32c(check, begin)) != self.crc:
            raise InputError(f"the checksum of {self.size} bytes of {self.shard.name} is wrong")
        return text


def open_bundle(prefix: Path, index: Path, shards: Sequence[Path]) -> Checkpoint:
    """Return the checkpoint with this *index* and these *shards*, which must be complete.

    Raises:
        InputError: it is damaged; the caller adds the name of the checkpoint to the message.
    """
    entries, pieces = _entries(index, shards)
    for name, entry in entries.items():
        if len(pieces[name]) != len(entry.places):
            raise InputError(f"{name} should have {counted(len(entry.places), 'piece')}, found {len(pieces[name])}")

    def read(key: str) -> NDArray[Any]:
        entry = entries[key]
        if entry.variable.dtype == "string":
            return np.array(entry.text(), dtype=object)
        if not entry.places:
            return entry.numbers()
        # pieces are sorted by key, and a key encodes the place of its piece
        places = sorted(entry.places, key=lambda place: [(extent.start, extent.length) for extent in place])
        stored = [piece.numbers() for piece in pieces[key]]
        return assemble(entry.variable.shape, list(zip(places, stored, strict=True)))

    return Checkpoint(prefix, {name: entry.variable for name, entry in entries.items()}, read)


def _entries(index: Path, shards: Sequence[Path]) -> tuple[dict[str, Entry], dict[str, list[Entry]]]:
    """Return the entries of the variables and of their pieces, by variable name."""
    load_tensorflow()
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto, BundleHeaderProto

    entries: dict[str, Entry] = {}
    pieces: dict[str, list[Entry]] = defaultdict(list)
    sizes = [shard.stat().st_size for shard in shards]
    for key, value in read_table(index):
        if not key:
            _check_header(BundleHeaderProto.FromString(bytes(value)), shards)
            continue
        name, whole = name_of_piece(key)
        record = BundleEntryProto.FromString(bytes(value))
        if not 0 <= record.shard_id < len(shards):
            there = f"there {agreed(len(shards), 'is', 'are')} {counted(len(shards), 'shard')}"
            raise InputError(f"{name} is in shard {record.shard_id}, but {there}")
        entry = Entry(
            Variable(shape_of(record.shape), dtype_of(record.dtype)),
            shards[record.shard_id],
            record.offset,
            record.size,
            record.crc32c,
            tuple(extents_of(place) for place in record.slices),
        )
        _check_entry(name, entry, sizes[record.shard_id])
        if whole:
            entries[name] = entry
        else:
            pieces[name].append(entry)
    return entries, pieces


def _check_header(header: Any, shards: Sequence[Path]) -> None:
    if header.num_shards != len(shards):
        raise InputError(f"its index lists {counted(header.num_shards, 'data shard')}, found {len(shards)}")
    if header.endianness == BIG_ENDIAN:
        raise InputError("it was written on a big-endian machine, which is unsupported; save it on a little-endian one")


def _check_entry(name: str, entry: Entry, shard_bytes: int) -> None:
    if entry.places:
        return
    if entry.begin < 0 or entry.size < 0 or entry.begin + entry.size > shard_bytes:
        end = entry.begin + entry.size
        raise InputError(f"{name} ends at byte {end} of {entry.shard.name}, which has {shard_bytes}")
    stored_as = STORED_AS.get(entry.variable.dtype)
    if stored_as and math.prod(entry.variable.shape) * np.dtype(stored_as).itemsize != entry.size:
        raise InputError(f"{name} of shape {entry.variable.shape} has {entry.size} bytes")
