"""A tiny ONNX model, written byte by byte: the same raw heads as `tiny_tflite`, cut out of the image."""

import struct
from collections.abc import Sequence


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    return b"".join([*(_bytes(1, name) for name in inputs), *(_bytes(2, name) for name in outputs), _bytes(4, kind)])


def _tensor(name: str, values: Sequence[int]) -> bytes:
    """An int64 vector: dims, data_type 7, name, raw_data."""
    return (
        _number(1, len(values)) + _number(2, 7) + _bytes(8, name) + _bytes(9, struct.pack(f"<{len(values)}q", *values))
    )


def _value(name: str, shape: Sequence[int]) -> bytes:
    """A float32 tensor's name and type."""
    dims = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def tiny_onnx(anchors: int = 6, classes: int = 3) -> bytes:
    """float32 image [1, anchors, classes + 5, 1] to encodings (the first 4 columns) and scores (the rest)."""
    width = classes + 5
    nodes = [
        _node("Squeeze", ["image", "last"], ["rows"]),
        _node("Slice", ["rows", "zero", "four", "two"], ["box_encodings"]),
        _node("Slice", ["rows", "four", "end", "two"], ["class_scores"]),
    ]
    constants = {"last": [3], "zero": [0], "four": [4], "end": [width], "two": [2]}
    graph = [_bytes(1, node) for node in nodes]
    graph += [_bytes(2, "tiny")]
    graph += [_bytes(5, _tensor(name, values)) for name, values in constants.items()]
    graph += [_bytes(11, _value("image", (1, anchors, width, 1)))]
    graph += [_bytes(12, _value("box_encodings", (1, anchors, 4)))]
    graph += [_bytes(12, _value("class_scores", (1, anchors, classes + 1)))]
    return _number(1, 8) + _bytes(7, b"".join(graph)) + _bytes(8, _bytes(1, "") + _number(2, 13))
