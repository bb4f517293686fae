"""A tiny ONNX model, written byte by byte: the same raw heads as `tiny_tflite`, cut out of the image."""

import struct


def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind, inputs, outputs):
    return b"".join([*(_bytes(1, name) for name in inputs), *(_bytes(2, name) for name in outputs), _bytes(4, kind)])


def _tensor(name, values):
    """An int64 vector: dims, data_type 7, name, raw_data."""
    return (
        _number(1, len(values)) + _number(2, 7) + _bytes(8, name) + _bytes(9, struct.pack(f"<{len(values)}q", *values))
    )


def _value(name, shape):
    """A float32 tensor's name and type."""
    dims = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def tiny_onnx(anchors=6, classes=3):
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
