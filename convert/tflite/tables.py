"""Reading a flatbuffer's tables with every offset checked, so that a hostile file only causes an error.

The wire format is https://flatbuffers.dev/internals: a table starts with the signed distance to its vtable, which
has its own size, the table's size, and each field's position in the table (0: absent), two bytes each.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class Table:
    """One table in *data*, whose fields are read by slot number, in bounds or not at all.

    Every method raises `InputError` if an offset or a length leads out of the data.
    """

    data: bytes
    position: int
    fields: tuple[int, ...]
    size_bytes: int

    def field(self, slot: int) -> int | None:
        """Return the position of the field in *slot* in the data, or None if it is absent."""
        offset = self.fields[slot] if slot < len(self.fields) else 0
        return self.position + offset if offset else None

    def byte(self, slot: int) -> int:
        """Return an unsigned byte, 0 if absent."""
        at = self.field(slot)
        return 0 if at is None else self.data[at]

    def number(self, slot: int, kind: str) -> int | float:
        """Return a number of *kind*, a little-endian code of `struct` such as `i`, `h`, `Q` or `f`; 0 if absent."""
        at = self.field(slot)
        if at is None:
            return 0
        _need(self.data, at, struct.calcsize(f"<{kind}"), "a number")
        value: int | float = struct.unpack_from(f"<{kind}", self.data, at)[0]
        return value

    def integer(self, slot: int, kind: str = "i") -> int:
        """Return an integer of *kind*, 0 if absent."""
        return int(self.number(slot, kind))

    def spans(self, slot: int) -> list[tuple[int, int]]:
        """Return (first byte, size) of each string in a vector of strings, which may have any bytes."""
        start, count = self.vector(slot, 4) or (0, 0)
        return [vector_at(self.data, _target(self.data, place), 1) for place in range(start, start + 4 * count, 4)]

    def blob(self, slot: int) -> bytes:
        """Return a vector of bytes, empty if absent."""
        start, count = self.vector(slot, 1) or (0, 0)
        return self.data[start : start + count]

    def table(self, slot: int) -> Table | None:
        """Return the table that the field points to."""
        at = self.field(slot)
        return None if at is None else table_at(self.data, _target(self.data, at))

    def vector(self, slot: int, item_bytes: int) -> tuple[int, int] | None:
        """Return (position of the first item, number of items) of a vector whose items have *item_bytes* bytes."""
        at = self.field(slot)
        return None if at is None else vector_at(self.data, _target(self.data, at), item_bytes)

    def tables(self, slot: int) -> list[Table]:
        """Return the tables of a vector of tables, empty if absent."""
        start, count = self.vector(slot, 4) or (0, 0)
        places = range(start, start + 4 * count, 4)
        return [table_at(self.data, _target(self.data, place)) for place in places]

    def text(self, slot: int) -> str:
        """Return a string, empty if absent, with a replacement mark for bytes that are not UTF-8."""
        start, count = self.vector(slot, 1) or (0, 0)
        return self.data[start : start + count].decode("utf-8", errors="replace")

    def floats(self, slot: int) -> tuple[float, ...]:
        """Return a vector of float32, empty if absent."""
        start, count = self.vector(slot, 4) or (0, 0)
        return struct.unpack_from(f"<{count}f", self.data, start)


def root_table(data: bytes) -> Table:
    """Return the root table of a flatbuffer."""
    _need(data, 0, 8, "the header")
    return table_at(data, _target(data, 0))


def table_at(data: bytes, position: int) -> Table:
    """Return the table at *position*, its vtable checked."""
    _need(data, position, 4, "a table")
    vtable = position - struct.unpack_from("<i", data, position)[0]
    _need(data, vtable, 4, "a vtable")
    vtable_bytes, table_bytes = struct.unpack_from("<HH", data, vtable)
    if vtable_bytes < 4 or vtable_bytes % 2 or table_bytes < 4:
        raise InputError(f"a vtable of {vtable_bytes} bytes for a table of {table_bytes}, at byte {vtable}")
    _need(data, vtable, vtable_bytes, "a vtable")
    _need(data, position, table_bytes, "a table")
    fields = struct.unpack_from(f"<{vtable_bytes // 2 - 2}H", data, vtable + 4)
    if any(offset >= table_bytes for offset in fields):
        raise InputError(f"a field beyond the end of its table, at byte {position}")
    return Table(data, position, fields, table_bytes)


def vector_at(data: bytes, position: int, item_bytes: int) -> tuple[int, int]:
    """Return (position of the first item, number of items) of the vector at *position*."""
    _need(data, position, 4, "a vector")
    count: int = struct.unpack_from("<I", data, position)[0]
    _need(data, position + 4, count * item_bytes, f"a vector of {counted(count, 'item')}")
    return position + 4, count


def _target(data: bytes, position: int) -> int:
    _need(data, position, 4, "an offset")
    distance: int = struct.unpack_from("<I", data, position)[0]
    return position + distance


def _need(data: bytes, position: int, size: int, what: str) -> None:
    if not 0 <= position <= len(data) - size:
        raise InputError(f"{what} of {size} bytes at byte {position}, but there are only {len(data)} bytes")
