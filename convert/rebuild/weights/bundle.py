"""Checkpoints of format V2: an index of all variables, and their bytes in one or more shards.

As `tensorflow/core/protobuf/tensor_bundle.proto` describes it. TensorFlow's own reader is not used: it ends the
process on a damaged shape, and takes a path with brackets for a pattern.
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
from detlite.convert.rebuild.weights.stored import Store, Variable
from detlite.convert.rebuild.weights.table import name_of_piece, read_table, varint
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

STORED_AS = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "<u2"}
BIG_ENDIAN = 1


@dataclass(frozen=True)
class Entry:
    """Where the bytes of a variable, or of a piece of one, are.

    Attributes:
        variable: its shape and dtype.
        shard: the file.
        begin: the first of its bytes in that file.
        size: how many.
        crc: what they are checked with, masked.
        places: of its pieces, which have entries of their own; empty where it is whole.
    """

    variable: Variable
    shard: Path
    begin: int
    size: int
    crc: int
    places: tuple[tuple[Extent, ...], ...]

    def raw(self) -> bytes:
        """Return its bytes, unchecked; fewer where the file became shorter."""
        with self.shard.open("rb") as file:
            file.seek(self.begin)
            return file.read(self.size)

    def numbers(self) -> NDArray[Any]:
        """Return its values, for a dtype of `STORED_AS`; raise `InputError` where the checksum is wrong."""
        data = self.raw()
        if len(data) != self.size or masked_crc32c(data) != self.crc:
            raise InputError(f"the checksum of {self.size} bytes of {self.shard.name} is wrong")
        values = np.frombuffer(data, STORED_AS[self.variable.dtype]).reshape(self.variable.shape)
        return bfloat16(values) if self.variable.dtype == "bfloat16" else values

    def text(self) -> bytes:
        """Return its value, for one string: its length, a checksum of that, and its bytes."""
        data = memoryview(self.raw())
        length, at = varint(data, 0)
        check, text = data[at : at + 4], bytes(data[at + 4 :])
        begin = crc32c(length.to_bytes(4 if length < 1 << 32 else 8, "little"))
        if length != len(text) or masked_crc32c(text, crc32c(check, begin)) != self.crc:
            raise InputError(f"the checksum of {self.size} bytes of {self.shard.name} is wrong")
        return text


def open_bundle(prefix: Path, index: Path, shards: Sequence[Path]) -> Store:
    """Return the checkpoint with that *index* and all its *shards*.

    Raises:
        InputError: what is damaged; the text is for the end of a line that names the checkpoint.
    """
    entries, pieces = _entries(index, shards)
    for name, entry in entries.items():
        if len(pieces[name]) != len(entry.places):
            raise InputError(f"{name} has {len(entry.places)} pieces, and {len(pieces[name])} are there")

    def read(key: str) -> NDArray[Any]:
        entry = entries[key]
        if entry.variable.dtype == "string":
            return np.array(entry.text(), dtype=object)
        if not entry.places:
            return entry.numbers()
        # pieces are sorted by their keys, and those by the places that they encode
        places = sorted(entry.places, key=lambda place: [(extent.start, extent.length) for extent in place])
        stored = [piece.numbers() for piece in pieces[key]]
        return assemble(entry.variable.shape, list(zip(places, stored, strict=True)))

    return Store(prefix, {name: entry.variable for name, entry in entries.items()}, read)


def _entries(index: Path, shards: Sequence[Path]) -> tuple[dict[str, Entry], dict[str, list[Entry]]]:
    """Return the entries of variables, and of their pieces, by name."""
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
            raise InputError(f"{name} is in shard {record.shard_id}, and it has {len(shards)}")
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
        raise InputError(f"its index wants {header.num_shards} shards of data, and {len(shards)} are there")
    if header.endianness == BIG_ENDIAN:
        raise InputError("it is of a big-endian machine, which detlite does not read: save it again on another")


def _check_entry(name: str, entry: Entry, shard_bytes: int) -> None:
    if entry.places:
        return
    if entry.begin < 0 or entry.size < 0 or entry.begin + entry.size > shard_bytes:
        end = entry.begin + entry.size
        raise InputError(f"{name} ends at byte {end} of {entry.shard.name}, which has {shard_bytes}")
    stored_as = STORED_AS.get(entry.variable.dtype)
    if stored_as and math.prod(entry.variable.shape) * np.dtype(stored_as).itemsize != entry.size:
        raise InputError(f"{name} of shape {entry.variable.shape} has {entry.size} bytes")
