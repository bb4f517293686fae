"""A bounded walk over a .tflite file before it is unpacked.

Unpacking follows every offset, and a vector of tables may reference one table a million times: a megabyte can
become terabytes. So the walk counts what it visits, shared parts each time, against a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from detlite.convert.tflite.layout import OFFSETS
from detlite.convert.tflite.tables import Table, root_table
from detlite.runtime.errors import InputError

IDENTIFIER = b"TFL3"
TABLE_LIMIT = 100_000  # the largest detectors have a few thousand; unpacking one takes about a kilobyte and 20 us
SHARING_LIMIT = 4  # times the file's own size: writers share vtables, which are not counted, and little else


def verify(data: bytes) -> None:
    """Check that *data* is a TFLite flatbuffer whose parts are all within it.

    Raises:
        InputError: it is not, or has more tables than any detector.
    """
    if data[4:8] != IDENTIFIER:
        raise InputError(f"not a TFLite file: bytes 4 to 8 are {data[4:8]!r} instead of {IDENTIFIER!r}")
    _Walk(len(data)).table(root_table(data), "Model")


class _Walk:
    """The tables and bytes that may still be visited."""

    def __init__(self, size_bytes: int) -> None:
        self._tables_left = TABLE_LIMIT
        self._bytes_left = SHARING_LIMIT * size_bytes

    def table(self, table: Table, name: str) -> None:
        self._tables_left -= 1
        self._count_bytes(table.size_bytes)
        if self._tables_left < 0:
            raise InputError(f"over {TABLE_LIMIT} tables: no detector has that many")
        for slot, kind in OFFSETS.get(name, {}).items():
            if table.field(slot) is not None:
                self._field(table, slot, kind)

    def _field(self, table: Table, slot: int, kind: str) -> None:
        if kind == "text":
            self._vector(table, slot, 1)
        elif kind[0] == "|":
            self._union(table, slot, kind[1:])
        elif kind[0] != "[":
            self._child(table, slot, kind)
        elif kind[1:-1].isdigit():
            self._vector(table, slot, int(kind[1:-1]))
        else:
            self._tables(table, slot, kind[1:-1])

    def _vector(self, table: Table, slot: int, item_bytes: int) -> int:
        _start, count = table.vector(slot, item_bytes) or (0, 0)
        self._count_bytes(4 + count * item_bytes)
        return count

    def _tables(self, table: Table, slot: int, name: str) -> None:
        if self._vector(table, slot, 4) > self._tables_left:
            raise InputError(f"over {TABLE_LIMIT} tables: no detector has that many")
        for child in table.tables(slot):
            self.table(child, name)

    def _child(self, table: Table, slot: int, name: str) -> None:
        child = table.table(slot)
        if child is not None:
            self.table(child, name)

    def _union(self, table: Table, slot: int, union: str) -> None:
        kind = table.byte(slot - 1)
        name = union_names(union).get(kind)
        if name is None:
            raise InputError(f"a {union} of kind {kind}: the file is damaged, or newer than this detlite")
        if name != "NONE":
            self._child(table, slot, name)

    def _count_bytes(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise InputError(f"parts that add up to over {SHARING_LIMIT} times the file's size")


@cache
def union_names(union: str) -> Mapping[int, str]:
    """Return the table name of each kind of a union of the TFLite schema."""
    from ai_edge_litert import schema_py_generated as schema

    return {kind: name for name, kind in vars(getattr(schema, union)).items() if isinstance(kind, int)}
