"""One `tf.train.Example`, without TensorFlow: a name for each of its lists of bytes, floats or integers.

Written down in TensorFlow's `core/example/example.proto` and `feature.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping

from detlite.convert.files.wire_format import fields, varint
from detlite.runtime.errors import InputError

FEATURES, FEATURE, VALUES = 1, 1, 1  # of Example, of Features, and of each list
KEY, VALUE = 1, 2  # of an entry of a map
BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3  # of Feature

Values = tuple[bytes | float | int, ...]


def read_example(data: bytes, wanted: Collection[str], what: str) -> Mapping[str, Values]:
    """Return the values of each *wanted* feature that the example *data* has.

    Raises:
        InputError: *what* is damaged.
    """
    found: dict[str, Values] = {}
    for entry in _messages(data, FEATURES, what):
        for pair in _messages(entry, FEATURE, what):
            parts = dict(fields(pair, what))
            key, value = parts.get(KEY, b""), parts.get(VALUE, b"")
            if not isinstance(key, bytes) or not isinstance(value, bytes):
                raise InputError(f"{what} is damaged: it holds no features as tf.train.Example has them")
            name = key.decode("utf-8", errors="replace")
            if name in wanted:
                found[name] = _values(value, what)
    return found


def _messages(data: bytes, number: int, what: str) -> list[bytes]:
    return [value for one, value in fields(data, what) if one == number and isinstance(value, bytes)]


def _values(feature: bytes, what: str) -> Values:
    values: list[bytes | float | int] = []
    for kind, content in fields(feature, what):
        if not isinstance(content, bytes):
            raise InputError(f"{what} is damaged: it holds no lists as tf.train.Feature has them")
        for number, value in fields(content, what):
            if number == VALUES:
                values += _unpacked(kind, value, what)
    return tuple(values)


def _unpacked(kind: int, value: int | bytes, what: str) -> list[bytes | float | int]:
    """Return the values of one field of a list: one, or many that are packed."""
    if kind == BYTES_LIST or isinstance(value, int):
        return [value]
    if kind == FLOAT_LIST:
        if len(value) % 4:
            raise InputError(f"{what} is damaged: {len(value)} bytes are no floats of 4 bytes")
        return list(struct.unpack(f"<{len(value) // 4}f", value))
    numbers: list[bytes | float | int] = []
    at = 0
    while at < len(value):
        number, at = varint(value, at, what)
        numbers.append(number)
    return numbers
