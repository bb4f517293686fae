"""A reader of protobuf's wire format, for small messages whose generated classes are not installed.

A field is a varint with its number and wire type, then a varint, 8 bytes, 4 bytes, or a length and that many bytes
(https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterator

from detlite.runtime.errors import InputError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}
MAX_VARINT_BYTES = 10

Field = tuple[int, int | bytes]


def fields(data: bytes, what: str) -> Iterator[Field]:
    """Yield (field number, value) for each field of the message *data*; errors call it *what*.

    Raises:
        InputError: the message is damaged; the error names the byte.
    """
    at = 0
    while at < len(data):
        key, at = varint(data, at, what)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(data, at, what)
            yield key >> 3, value
            continue
        size = FIXED_BYTES.get(kind)
        if kind == BYTES:
            size, at = varint(data, at, what)
        if size is None or at + size > len(data):
            raise InputError(f"{what} is damaged at byte {at}")
        yield key >> 3, data[at : at + size]
        at += size


def varint(data: bytes, at: int, what: str) -> tuple[int, int]:
    """Return the varint at the offset *at* and the offset after it; errors as in `fields`."""
    value = 0
    for count, byte in enumerate(data[at : at + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise InputError(f"{what} is damaged at byte {at}: unterminated varint")
