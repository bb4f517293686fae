"""Changes of TensorFlow's tables and records, with their CRC-32C made again."""

import random
import struct

from fuzz.mutations import Mutation, blind

from detlite.convert.rebuild.weights.crc32c import masked_crc32c

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
TRAILER = 5


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def _number(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _entries(block: bytes) -> list[tuple[bytes, bytes]]:
    (restarts,) = struct.unpack("<I", block[-4:])
    end, at, key, found = len(block) - 4 - 4 * restarts, 0, b"", []
    while at < end:
        shared, at = _number(block, at)
        rest, at = _number(block, at)
        size, at = _number(block, at)
        key = key[:shared] + block[at : at + rest]
        found.append((key, block[at + rest : at + rest + size]))
        at += rest + size
    return found


def _block(entries: list[tuple[bytes, bytes]]) -> bytes:
    body, starts = b"", []
    for key, value in entries:
        starts.append(len(body))
        body += b"\0" + _varint(len(key)) + _varint(len(value)) + key + value
    return body + b"".join(struct.pack("<I", start) for start in starts or [0]) + struct.pack("<I", len(starts) or 1)


def _stored(made: bytearray, block: bytes) -> bytes:
    """Append *block* with its trailer to *made*, and return its handle."""
    handle = _varint(len(made)) + _varint(len(block))
    made += block + b"\0" + struct.pack("<I", masked_crc32c(block + b"\0"))
    return handle


def table_entries(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the keys and values of a whole table."""
    _offset, at = _number(data, len(data) - 48)
    _size, at = _number(data, at)
    offset, at = _number(data, at)
    size, at = _number(data, at)
    found = []
    for _key, handle in _entries(data[offset : offset + size]):
        start, at = _number(handle, 0)
        length, at = _number(handle, at)
        found += _entries(data[start : start + length])
    return found


def table_of(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Return a table of one block with *entries*."""
    made = bytearray()
    block = _stored(made, _block(entries))
    meta = _stored(made, _block([]))
    index = _stored(made, _block([((entries[-1][0] if entries else b"") + b"x", block)]))
    return bytes(made) + (meta + index).ljust(40, b"\0") + MAGIC


def table(inner: Mutation) -> Mutation:
    """Return the mutation that changes a key or a value of a table and writes it with the right checksums."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        try:
            entries = table_entries(data)
            chosen = rng.randrange(len(entries))
        except (IndexError, ValueError, struct.error):
            return blind(rng, data)
        key, value = entries[chosen]
        what = rng.randrange(10)
        if what < 7:
            entries[chosen] = (key, inner(rng, value))
        elif what == 7:
            entries[chosen] = (blind(rng, key), value)
        elif what == 8:
            del entries[chosen]
        else:
            entries.insert(chosen, (key, value))
        return table_of(sorted(entries) if rng.random() < 0.8 else entries)

    return mutate


def records(inner: Mutation) -> Mutation:
    """Return the mutation that changes a record of a TFRecord file and re-makes its two checksums."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        found, at = [], 0
        while at + 12 <= len(data):
            (size,) = struct.unpack("<Q", data[at : at + 8])
            found.append(data[at + 12 : at + 12 + size])
            at += 16 + size
        if not found or rng.random() < 0.1:
            return blind(rng, data)
        chosen = rng.randrange(len(found))
        found[chosen] = inner(rng, found[chosen])
        return b"".join(map(_record, found))

    return mutate


def _record(content: bytes) -> bytes:
    head = struct.pack("<Q", len(content))
    crcs = (struct.pack("<I", masked_crc32c(part)) for part in (head, content))
    return head + next(crcs) + content + next(crcs)
