"""The sorted table of keys and values that TensorFlow's checkpoints are made of: LevelDB's, without compression.

Written down in LevelDB's `doc/table_format.md`. TensorFlow's own reader ends the process on entries that it does not
expect, so nothing of a file reaches it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from detlite.convert.rebuild.weights.crc32c import masked_crc32c
from detlite.runtime.errors import InputError

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # a block's compression, and the CRC of both
MAX_KEY_BYTES = 1 << 26
"""Of all keys of a table: a hostile one repeats a long key in few bytes; real ones have less than a megabyte."""


def read_table(path: Path) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the keys and values of the table in the file at *path*, in the order of the keys.

    Raises:
        InputError: what is damaged; the text is for the end of a line that names the checkpoint.
    """
    view = memoryview(_read(path))
    _meta, at = _handle(view, len(view) - FOOTER_BYTES)
    (offset, size), _at = _handle(view, at)
    budget, end, before = MAX_KEY_BYTES, 0, None
    for _key, where in _entries(_block(view, offset, size)):
        (offset, size), _at = _handle(where, 0)
        if offset < end:
            raise InputError("two of its blocks overlap")
        end = offset + size
        for key, value in _entries(_block(view, offset, size)):
            if before is not None and key <= before:
                raise InputError("its keys are out of order")
            before = key
            budget -= len(key)
            if budget < 0:
                raise InputError(f"its keys are longer than {MAX_KEY_BYTES} bytes")
            yield key, value


def _read(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - len(MAGIC), 0))
        if size < FOOTER_BYTES or file.read() != MAGIC:  # before a large file of another kind is read
            raise InputError(f"{path.name} does not end as such a file does: it is cut short, or something else")
        file.seek(0)
        return file.read()


def name_of_piece(key: bytes) -> tuple[str, bool]:
    """Return the name of the variable that *key* is of, and whether it is of the whole of it and not of a piece.

    The key of a piece is in LevelDB's ordered code: a zero, the name with its zeros and ones escaped, 0x00 0x01, and
    the place of the piece.
    """
    whole = key[:1] != b"\0"
    name = key if whole else key[1:].partition(b"\0\1")[0].replace(b"\0\xff", b"\0").replace(b"\xff\0", b"\xff")
    try:
        return name.decode("utf-8"), whole
    except UnicodeDecodeError as error:
        raise InputError(f"a name in it is no text: {name[:40]!r}") from error


def varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the variable-length number at *at*, and where it ends."""
    number = 0
    for shift in range(0, 64, 7):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise InputError("a number in it has no end")


def _handle(view: memoryview, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(view, at)
    size, at = varint(view, at)
    return (offset, size), at


def _block(view: memoryview, offset: int, size: int) -> memoryview:
    end = offset + size + TRAILER_BYTES
    if end > len(view):
        raise InputError(f"one of its blocks ends at byte {end}, and it has {len(view)}")
    compression, crc = struct.unpack("<BI", view[end - TRAILER_BYTES : end])
    if masked_crc32c(view[offset : end - 4]) != crc:
        raise InputError(f"the checksum of its bytes {offset} to {end - 4} is wrong")
    if compression:
        raise InputError(f"one of its blocks is compressed (kind {compression}), which TensorFlow does not do")
    return view[offset : offset + size]


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the entries of a block; at its end stand offsets to begin at, which reading all of it does not need."""
    if len(block) < 4:
        raise InputError("one of its blocks is too short")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * restarts
    at, key = 0, b""
    if end < 0:
        raise InputError("one of its blocks is all index")
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + own + length > end:
            raise InputError("one of its entries is longer than its block")
        key = key[:shared] + bytes(block[at : at + own])
        yield key, block[at + own : at + own + length]
        at += own + length
