"""Reader of the sorted key-value table in TensorFlow's checkpoints: LevelDB's table format without compression.

The format is described in LevelDB's `doc/table_format.md`. TensorFlow's own reader is not used: it aborts the process
on unexpected entries.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from detlite.convert.rebuild.weights.crc32c import masked_crc32c
from detlite.runtime.errors import InputError

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # the compression of a block, and the CRC of block and compression
MAX_KEY_BYTES = 1 << 26
"""Limit for all keys of a table together: a hostile table can repeat a long key in few bytes; real ones need < 1 MB."""


def read_table(path: Path) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (key, value) of the table in the file at *path*, in key order.

    Raises:
        InputError: it is damaged; the caller adds the name of the checkpoint to the message.
    """
    view = memoryview(_read(path))
    _meta, at = _handle(view, len(view) - FOOTER_BYTES)
    (offset, size), _at = _handle(view, at)
    budget, end, before = MAX_KEY_BYTES, 0, None
    for _key, where in _entries(_block(view, offset, size)):
        (offset, size), _at = _handle(where, 0)
        if offset < end:
            raise InputError("two blocks of its table overlap")
        end = offset + size
        for key, value in _entries(_block(view, offset, size)):
            if before is not None and key <= before:
                raise InputError("the keys of its table are out of order")
            before = key
            budget -= len(key)
            if budget < 0:
                raise InputError(f"the keys of its table have more than {MAX_KEY_BYTES} bytes")
            yield key, value


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - len(MAGIC), 0))
        if size < FOOTER_BYTES or file.read() != MAGIC:  # checked before a large file of another format is read
            raise InputError(f"{path.name} has no table footer: it is cut short or has another format")
        file.seek(0)
        return file.read()


def name_of_piece(key: bytes) -> tuple[str, bool]:
    """Return the variable's name in *key*, and whether the key stands for the whole variable rather than a piece.

    The key of a piece is in LevelDB's ordered code: a zero byte, the name with 0x00 and 0xff escaped, 0x00 0x01, and
    the place of the piece.
    """
    whole = key[:1] != b"\0"
    name = key if whole else key[1:].partition(b"\0\1")[0].replace(b"\0\xff", b"\0").replace(b"\xff\0", b"\xff")
    try:
        return name.decode("utf-8"), whole
    except UnicodeDecodeError as error:
        raise InputError(f"the name of a variable is not UTF-8: {name[:40]!r}") from error


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the varint at the offset *at* and the offset after it."""
    number = 0
    for shift in range(0, 64, 7):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise InputError("its table has an unterminated varint")


def _handle(view: memoryview, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(view, at)
    size, at = varint(view, at)
    return (offset, size), at


def _block(view: memoryview, offset: int, size: int) -> memoryview:
    end = offset + size + TRAILER_BYTES
    if end > len(view):
        raise InputError(f"a block of its table ends at byte {end}, but the file has {len(view)}")
    compression, crc = struct.unpack("<BI", view[end - TRAILER_BYTES : end])
    if masked_crc32c(view[offset : end - 4]) != crc:
        raise InputError(f"the checksum of its bytes {offset} to {end - 4} is wrong")
    if compression:
        raise InputError(f"a block of its table is compressed (kind {compression}); TensorFlow writes no such block")
    return view[offset : offset + size]


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield (key, value) of a block; the restart offsets at its end are not needed to read all of it."""
    if len(block) < 4:
        raise InputError("a block of its table is too short")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * restarts
    at, key = 0, b""
    if end < 0:
        raise InputError("a block of its table has no room for its entries")
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise InputError("an entry of its table is longer than its block")
        key = key[:shared] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + length]
        at += own + length
