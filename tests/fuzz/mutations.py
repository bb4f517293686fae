"""Seeded changes of a file's bytes: blind ones, and ones that know a format and re-make its lengths and checksums.

A mutation takes a `random.Random` and the bytes, and returns other bytes. Where it cannot parse them it changes them
blindly, so every mutation can be applied to every file, also to one that was changed before.
"""

import gzip
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

EDGES = (0, 1, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
NUMBERS = (
    *("0", "-1", "1", "1.5", "-0.0", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 400, "9" * 5000, "0x10"),
    *("1e308", "2147483648", "-2147483649", "9223372036854775808", "18446744073709551616", "1e-400", "", "00", "1_0"),
)
TEXTS = (
    "",
    "..",
    "../../x",
    "/",
    "a/b",
    "\0",
    "\x1b[31m",
    "x" * 5000,
    "\u202e",
    "\ud83d\ude00",
    "%s",
    "{}",
    "nan",
    "\n",
)
RAW = (
    *(number for number in NUMBERS if number and not number.startswith("0x")),
    *('"\\ud800"', '"\\u0000"', "null", "true", "false", "[]", "{}", '""', "[null]", '{"": 0}', "[[[[]]]]"),
    *("[" * 50 + "]" * 50, "[" * 3000 + "]" * 3000, '{"a":' * 2000 + "1" + "}" * 2000),
)
MARK = "@hostile@"


def blind(rng: random.Random, data: bytes) -> bytes:
    """Flip bits, set, insert, drop, repeat, swap or cut bytes, or write a number of the edges of its type."""
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        data = rng.choice(_BLIND)(rng, data)
    return data


def _place(rng: random.Random, data: bytes) -> int:
    return rng.randrange(len(data) + 1)


def _span(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = _place(rng, data)
    return start, min(len(data), start + rng.choice((1, 2, 4, 8, 64, 1024)))


def _flip(rng: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\0"
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    place = _place(rng, data)
    return data[:place] + rng.randbytes(rng.choice((1, 4, 100))) + data[place:]


def _drop(rng: random.Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def _edge(rng: random.Random, data: bytes) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    number = (rng.choice(EDGES) & ((1 << 8 * size) - 1)).to_bytes(size, rng.choice(("little", "big")))
    place = _place(rng, data)
    return data[:place] + number + data[place + size :]


def _swap(rng: random.Random, data: bytes) -> bytes:
    one, other = sorted((_place(rng, data), _place(rng, data)))
    size = rng.choice((1, 4, 32))
    return (
        data[:one]
        + data[other : other + size]
        + data[one + size : other]
        + data[one : one + size]
        + data[other + size :]
    )


_BLIND: tuple[Mutation, ...] = (_flip, _flip, _flip, _insert, _drop, _repeat, _cut, _edge, _edge, _edge, _swap)


def text(rng: random.Random, data: bytes) -> bytes:
    """Change the lines, numbers and words of a text."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice((_lines, _number, _number, _word, _word))(rng, data)
    return data


def _lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(5)
    if what == 0:
        del lines[one]
    elif what == 1:
        lines.insert(other, lines[one])
    elif what == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif what == 3:
        lines[one] = lines[one][: rng.randrange(len(lines[one]) + 1)]
    else:
        lines[one : one + 1] = [lines[one]] * rng.choice((2, 100))
    return b"\n".join(lines)


def _number(rng: random.Random, data: bytes) -> bytes:
    return _replaced(rng, data, rb"-?\d+(\.\d+)?", [number.encode() for number in NUMBERS])


def _word(rng: random.Random, data: bytes) -> bytes:
    words = [one.encode("utf-8", "surrogatepass") for one in TEXTS] + [b"\xff\xfe", b"\xc3"]
    return _replaced(rng, data, rb"[A-Za-z_]\w*|[^\w\s]", words)


def _replaced(rng: random.Random, data: bytes, pattern: bytes, others: Sequence[bytes]) -> bytes:
    found = [match.span() for match in re.finditer(pattern, data)]
    if not found:
        return blind(rng, data)
    start, end = rng.choice(found)
    return data[:start] + rng.choice(others) + data[end:]


def json_value(rng: random.Random, data: bytes) -> bytes:
    """Replace, drop, rename, repeat or swap values in JSON; a file of many lines of JSON changes in one line."""
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        lines = data.split(b"\n")
        if len(lines) < 3:
            return text(rng, data)
        chosen = rng.randrange(len(lines))
        lines[chosen] = json_value(rng, lines[chosen])
        return b"\n".join(lines)
    holder: list[Any] = [whole]
    raws: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change_json(rng, holder, raws)
    try:
        written = json.dumps(holder[0], indent=rng.choice((None, 1)))
    except (ValueError, RecursionError):
        return blind(rng, data)
    for number, raw in enumerate(raws):
        written = written.replace(f'"{MARK}{number}"', raw)
    return written.encode()


def _change_json(rng: random.Random, holder: list[Any], raws: list[str]) -> None:
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [holder]
    while waiting:
        part = waiting.pop()
        keys = list(part) if isinstance(part, dict) else range(len(part))
        places += [(part, key) for key in keys]
        waiting += [part[key] for key in keys if isinstance(part[key], dict | list)]
    if not places:
        holder[0] = None
        return
    part, key = rng.choice(places)
    what = rng.randrange(8)
    if what == 0 and part is not holder:
        del part[key]
    elif what == 1 and isinstance(part, dict):
        part[rng.choice((*TEXTS, f"{key}x"))] = part.pop(key)
    elif what == 2 and isinstance(part, list) and part is not holder:
        part[key:key] = [part[key]] * rng.choice((1, 1, 100))
    elif what == 3:
        other, place = rng.choice(places)
        value = other[place] if place in (other if isinstance(other, dict) else range(len(other))) else None
        part[key] = json.loads(json.dumps(value))
    elif what == 4 and isinstance(part[key], str):
        part[key] = rng.choice((*TEXTS, part[key][1:], part[key] + "x"))
    elif what == 5 and isinstance(part[key], int | float):
        part[key] = rng.choice(
            (
                -part[key],
                part[key] + 1,
                part[key] * 1000,
                part[key] / 2 if abs(part[key]) < 1e300 else 0,
                str(part[key]),
            )
        )
    else:
        part[key] = f"{MARK}{len(raws)}"
        raws.append(rng.choice(RAW))


def protobuf(rng: random.Random, data: bytes) -> bytes:
    """Change a field somewhere in a protocol buffer; all lengths around it are re-made."""
    fields = _fields(data)
    if not fields:
        return blind(rng, data)
    chosen = rng.randrange(len(fields))
    number, kind, value = fields[chosen]
    what = rng.randrange(10)
    if isinstance(value, bytes) and what < 7:
        inner = _fields(value)
        fields[chosen] = (number, kind, protobuf(rng, value) if inner and rng.random() < 0.9 else blind(rng, value))
    elif what < 7:
        fields[chosen] = (number, kind, rng.choice((*EDGES, rng.getrandbits(64), 2, 3, 7, 20)))
    elif what == 7:
        del fields[chosen]
    elif what == 8:
        fields.insert(rng.randrange(len(fields) + 1), fields[chosen])
    else:
        fields[chosen] = (rng.choice((1, 2, 3, 4, 5, 6, 15, 1000)), kind, value)
    return b"".join(map(_field_bytes, fields))


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, -1
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
    return 0, -1


def _fields(data: bytes) -> list[tuple[int, int, int | bytes]]:
    """Return the fields of a protocol buffer as (number, wire type, value); none if it is none."""
    found: list[tuple[int, int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if at < 0 or key >> 3 == 0 or kind not in (0, 1, 2, 5):
            return []
        if kind == 0:
            value, at = _read_varint(data, at)
            if at < 0:
                return []
            found.append((key >> 3, kind, value))
            continue
        size = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            size, at = _read_varint(data, at)
        if at < 0 or at + size > len(data):
            return []
        found.append(
            (key >> 3, kind, data[at : at + size] if kind == 2 else int.from_bytes(data[at : at + size], "little"))
        )
        at += size
    return found


def _field_bytes(field: tuple[int, int, int | bytes]) -> bytes:
    number, kind, value = field
    key = _varint(number << 3 | kind)
    if isinstance(value, bytes):
        return key + _varint(len(value)) + value
    if kind == 0:
        return key + _varint(value & (1 << 64) - 1)
    size = 8 if kind == 1 else 4
    return key + (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def gzipped(inner: Mutation) -> Mutation:
    """Return the mutation that applies *inner* to what gzip has packed, and packs it again with the right CRC."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        try:
            content = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return blind(rng, data)
        return gzip.compress(inner(rng, content), 1, mtime=0)

    return mutate


def zipped(inner: Mutation) -> Mutation:
    """Return the mutation that changes a member of a zip, its name or its kind; all CRCs and offsets are re-made."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as given:
                members = [(info, given.read(info)) for info in given.infolist()]
            return _zip_of(rng, members, inner)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zlib.error, RuntimeError):
            return blind(rng, data)

    return mutate


def _zip_of(rng: random.Random, members: list[tuple[zipfile.ZipInfo, bytes]], inner: Mutation) -> bytes:
    chosen = rng.randrange(len(members)) if members else -1
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for number, (info, content) in enumerate(members):
            copy = zipfile.ZipInfo(info.filename, info.date_time)
            copy.external_attr = info.external_attr
            copy.compress_type = rng.choice((0, 0, 8, 12, 14)) if number == chosen else info.compress_type
            what = rng.randrange(6) if number == chosen else -1
            if what == 0:
                copy.filename = rng.choice(("../x", "/x", "a" * 300, "a/b", "C:x", info.filename.upper(), "."))
            elif what == 1:
                copy.external_attr = rng.getrandbits(32)
            elif what >= 2:
                content = inner(rng, content)
            if what != 5 or rng.random() < 0.5:
                out.writestr(copy, content)
    return made.getvalue()


def tarred(inner: Mutation) -> Mutation:
    """Return the mutation that changes a header of a tar, with the right checksum, or a member's content."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
        heads = [number for number, block in enumerate(blocks) if block[257:262] == b"ustar"]
        if not heads or rng.random() < 0.2:
            return blind(rng, data)
        chosen = rng.choice(heads)
        head = bytearray(blocks[chosen])
        start, size = rng.choice(
            ((0, 100), (100, 8), (124, 12), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155))
        )
        head[start : start + size] = inner(rng, bytes(head[start : start + size]))[:size].ljust(size, b"\0")
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        blocks[chosen] = bytes(head)
        return b"".join(blocks)

    return mutate
