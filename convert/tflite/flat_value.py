"""Writing a flatbuffer from plain values: the same bytes for the same values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers

Value = Any
"""A text; bytes; a `Number` or `Numbers`; a table, as a mapping of slots to values; a list of texts or of tables."""

PUT = {"b": "Int8", "B": "Uint8", "i": "Int32", "I": "Uint32", "f": "Float32"}
"""The flatbuffers builder's name for the numbers of each `struct` code."""

WORD = 4
NESTED = 16  # alignment of bytes, which may hold another flatbuffer


@dataclass(frozen=True)
class Number:
    """A number in a table, always written; *code* is its kind, a key of `PUT`."""

    code: str
    value: int


@dataclass(frozen=True)
class Numbers:
    """A vector of numbers of four bytes."""

    code: str
    values: tuple[float, ...]


def write_flatbuffer(root: Mapping[int, Value], identifier: bytes) -> bytes:
    """Return the flatbuffer with the root table *root*; a field of None is omitted."""
    builder = flatbuffers.Builder(1024)
    builder.ForceDefaults(True)  # explicit zeros are written
    builder.Finish(_table(builder, root), identifier)
    return bytes(builder.Output())


def _table(builder: Any, fields: Mapping[int, Value]) -> int:
    """Write the table *fields*, after the objects that it points to, and return its offset."""
    places = {
        slot: value if isinstance(value, Number) else _target(builder, value)
        for slot, value in sorted(fields.items())
        if value is not None
    }
    builder.StartObject(max(places, default=-1) + 1)
    for slot, place in places.items():
        if isinstance(place, Number):
            getattr(builder, f"Prepend{PUT[place.code]}Slot")(slot, place.value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, place, 0)
    return int(builder.EndObject())


def _target(builder: Any, value: Value) -> int:
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, Mapping):
        return _table(builder, value)
    if isinstance(value, bytes):
        builder.StartVector(1, len(value), NESTED)
        for byte in reversed(value):  # a builder writes from the end
            builder.PrependByte(byte)
        return int(builder.EndVector())
    items: Sequence[float]
    if isinstance(value, Numbers):
        items, put = value.values, getattr(builder, f"Prepend{PUT[value.code]}")
    else:
        items, put = [_target(builder, item) for item in value], builder.PrependUOffsetTRelative
    builder.StartVector(WORD, len(items), WORD)
    for item in reversed(items):  # a builder writes from the end
        put(item)
    return int(builder.EndVector())
