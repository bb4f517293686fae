"""Images in the formats that sources read, made in a test."""

import io
import struct
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from detlite.convert.rebuild.weights.crc32c import masked_crc32c
from detlite.runtime.arrays import Pixels


def picture(number: int, side: int = 40) -> Pixels:
    """Return blocks of colours, others for each *number*: uint8 (side, side, 3)."""
    blocks = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
    return blocks.repeat(side // 4, axis=0).repeat(side // 4, axis=1)


def save_oriented(path: Path, pixels: Pixels, orientation: int) -> Path:
    """Write *pixels* to *path* as they are, with the EXIF *orientation* to turn them by; return the path."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def encoded(number: int, kind: str = "PNG") -> bytes:
    """Return `picture(number)` as a PNG or JPEG file."""
    file = io.BytesIO()
    Image.fromarray(picture(number)).save(file, kind)
    return file.getvalue()


def write_tar(path: Path, members: Iterable[tuple[str, bytes]], mode: Literal["w", "w:gz"] = "w") -> Path:
    """Write (name, bytes) *members* to a tar at *path*, and return it."""
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def varint(value: int) -> bytes:
    """Return *value* as a varint of the protobuf wire format."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of the protobuf wire format."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(features: Mapping[str, Sequence[Any]]) -> bytes:
    """Return a `tf.train.Example` of lists of bytes, floats or integers."""
    entries = b""
    for name, values in features.items():
        if isinstance(values[0], bytes):
            feature = field(1, b"".join(field(1, value) for value in values))
        elif isinstance(values[0], float):
            feature = field(2, field(1, struct.pack(f"<{len(values)}f", *values)))
        else:
            feature = field(3, field(1, b"".join(map(varint, values))))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def labelled_example(number: int, name: bytes = b"cat") -> bytes:
    """Return an example as the Object Detection API writes it, with one box of a quarter of the image."""
    box = {f"image/object/bbox/{edge}": [value] for edge, value in zip(EDGES, (0.0, 0.5, 0.0, 0.5), strict=True)}
    return example({"image/encoded": [encoded(number, "JPEG")], "image/object/class/text": [name], **box})


EDGES = ("xmin", "xmax", "ymin", "ymax")


def record(data: bytes) -> bytes:
    """Return *data* framed as in a TFRecord file."""
    size = struct.pack("<Q", len(data))
    return size + struct.pack("<I", masked_crc32c(size)) + data + struct.pack("<I", masked_crc32c(data))
