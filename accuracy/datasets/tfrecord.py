"""TFRecords of `tf.train.Example` as the TF Object Detection API writes them, read without TensorFlow.

The framing is written down in TensorFlow's `python_io` guide: length (8 bytes), its masked CRC-32C, the record, its
masked CRC-32C. The names of the features are those of the API's `dataset_tools`.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from detlite.accuracy.dataset import MOST_IMAGE_BYTES, Dataset, Item, Object, one_error
from detlite.accuracy.labels.example import Values, read_example
from detlite.convert.rebuild.weights.crc32c import masked_crc32c
from detlite.runtime.errors import InputError

ENCODED = "image/encoded"
EDGES = tuple(f"image/object/bbox/{edge}" for edge in ("xmin", "xmax", "ymin", "ymax"))
TEXT, LABEL = "image/object/class/text", "image/object/class/label"
WANTED = (ENCODED, *EDGES, TEXT, LABEL)
HEADER, CRC = struct.Struct("<QI"), struct.Struct("<I")
MAGIC = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"BM": ".bmp", b"GI": ".gif", b"RI": ".webp"}
SHARDS = ("*.record", "*.record-*", "*.tfrecord", "*.tfrecord-*", "*.tfrecords")


def items(paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the image of each example, with its objects, file by file."""
    for file in files(paths):
        for number, data in enumerate(records(file), 1):
            what = f"record {number} of {file}"
            features = read_example(data, WANTED, what)
            encoded = next(iter(features.get(ENCODED, ())), None)
            if not isinstance(encoded, bytes) or encoded[:2] not in MAGIC:
                raise InputError(
                    f"{what} holds no image: want {ENCODED!r} with a JPEG or PNG, as the Object Detection API writes it"
                )
            yield Item(what, _objects(features), content=partial(bytes, encoded), suffix=MAGIC[encoded[:2]])


def files(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the file *paths*, or the shards in that folder, or those that its ? and * stand for.

    Raises:
        InputError: there is none.
    """
    (path,) = paths
    if path.is_file():
        return paths
    found = [one for shard in SHARDS for one in path.glob(shard)] if path.is_dir() else path.parent.glob(path.name)
    shards = sorted({one for one in found if one.is_file()})
    if not shards:
        raise InputError(
            f"{path} is no TFRecord file, no folder of files such as train.record-00000-of-00010, and no pattern such "
            "as 'train.record-?????-of-00010' of some"
        )
    return shards


def records(file: Path) -> Iterator[bytes]:
    """Yield the records of *file*, gzipped or not, each checked by its CRC.

    Raises:
        InputError: the file is damaged, cut short or no TFRecord.
    """
    with (
        one_error((OSError, EOFError, zlib.error), f"{file} cannot be read as a TFRecord file"),
        file.open("rb") as raw,
    ):
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if zipped else raw  # type: ignore[assignment]
        number = 0
        while header := stream.read(HEADER.size):
            number += 1
            yield _record(stream, header, f"record {number} of {file}")
        if not number:
            raise InputError(f"{file} is empty: want a TFRecord file")


def _record(stream: IO[bytes], header: bytes, what: str) -> bytes:
    if len(header) < HEADER.size:
        raise InputError(f"{what} is cut short: get the file again")
    size, crc = HEADER.unpack(header)
    if masked_crc32c(header[:8]) != crc:
        raise InputError(f"{what} does not begin as a record does: the file is damaged, or no TFRecord file")
    if size > MOST_IMAGE_BYTES:
        raise InputError(f"{what} says that it has {size} bytes; an image has at most {MOST_IMAGE_BYTES}")
    data = stream.read(size)
    end = stream.read(CRC.size)
    if len(data) < size or len(end) < CRC.size:
        raise InputError(f"{what} is cut short: get the file again")
    if masked_crc32c(data) != CRC.unpack(end)[0]:
        raise InputError(f"{what} is damaged: its CRC is another; get the file again")
    return data


def _objects(features: Mapping[str, Values]) -> tuple[Object, ...] | None:
    """Return the objects of an example; None if it has no classes."""
    names = features.get(TEXT) or features.get(LABEL)
    if names is None:
        return None
    edges = [features.get(edge, ()) for edge in EDGES]
    areas = [_area(*sides) for sides in zip(*edges, strict=False)]
    areas += [None] * (len(names) - len(areas))
    return tuple(Object(_name(name), area) for name, area in zip(names, areas, strict=False))


def _name(value: bytes | float) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _area(*sides: bytes | float) -> float | None:
    """Return the area of a box, in shares of the image; None if a number is not finite."""
    left, right, top, bottom = (side if isinstance(side, float) else math.nan for side in sides)
    area = (right - left) * (bottom - top)
    return area if math.isfinite(area) else None


PLUGIN = Dataset(
    title="TFRecord file of the Object Detection API, or a folder of shards.", takes=("FILE",), items=items
)
