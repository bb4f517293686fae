"""Reading a model's TFLite metadata, from any writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detlite.convert.tflite import metadata_fields as field
from detlite.convert.tflite.tables import Table, root_table
from detlite.convert.tflite.tensors import text_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

MAX_BYTES = 1 << 20  # a detector's metadata has one or two thousand
MAX_TENSORS = 1024  # a stream of MoViNet-A5 has over a hundred inputs, and as many outputs
MAX_ITEMS = 64  # files of a tensor, its process units, or groups
MAX_VALUES = 1024  # means or limits, one per channel
CONTENTS = {field.FEATURE: "feature", field.IMAGE: "image", field.BOUNDING_BOX: "bounding box", field.AUDIO: "audio"}

Floats = tuple[float, ...]


@dataclass(frozen=True)
class TensorMetadata:
    """The metadata of an input or an output; missing fields are empty.

    Attributes:
        name, description: in words.
        content: `image`, `feature`, `bounding box`, `audio`, or empty.
        mean, std: of the normalization, one for all channels or one per channel.
        low, high: range of its values.
        files: names of its associated files, usually labels.
    """

    name: str
    description: str
    content: str
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    files: tuple[str, ...]


@dataclass(frozen=True)
class ModelMetadata:
    """The TFLite metadata of a model.

    Attributes:
        name, description, version, author, license: in words.
        min_parser_version: the oldest schema version that has all its fields.
        inputs, outputs: of the main subgraph, in the model's order.
        groups: groups of outputs by name: each has the names of its tensors.
    """

    name: str
    description: str
    version: str
    author: str
    license: str
    min_parser_version: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    groups: dict[str, tuple[str, ...]]


def metadata_of(model: Any) -> bytes | None:
    """Return the bytes of the model's metadata; None if it has none."""
    for item in model.metadata:
        if text_of(item.name) == field.NAME and (data := model.buffers[item.buffer].data) is not None:
            return bytes(np.asarray(data, np.uint8))
    return None


def read_metadata(model: Any) -> ModelMetadata | None:
    """Return the model's metadata; None if it has none.

    Raises:
        InputError: it is damaged or implausible.
    """
    data = metadata_of(model)
    if data is None:
        return None
    try:
        return _model(_root(data))
    except InputError as error:
        raise InputError(f"the model's TFLite metadata is damaged: {error}") from error


def normalization_of(model: Any) -> tuple[Floats, Floats] | None:
    """Return (means, stds) of the first input's normalization in the model's metadata; None if there is none.

    Each has one value, or one per channel.

    Raises:
        InputError: the metadata is damaged.
    """
    found = read_metadata(model)
    first = found.inputs[0] if found is not None and found.inputs else None
    return None if first is None or not first.mean else (first.mean, first.std)


def _root(data: bytes) -> Table:
    if len(data) > MAX_BYTES:
        raise InputError(f"it has {len(data)} bytes; want at most {MAX_BYTES}")
    root = root_table(data)
    if data[4:8] != field.IDENTIFIER:
        raise InputError(f"it begins with {data[4:8]!r}; want {field.IDENTIFIER!r}")
    return root


def _model(root: Table) -> ModelMetadata:
    subgraphs = _few(root, field.SUBGRAPHS)
    inputs, outputs, groups = (
        _few(subgraphs[0], slot, most) if subgraphs else []
        for slot, most in (
            (field.INPUTS, MAX_TENSORS),
            (field.OUTPUTS, MAX_TENSORS),
            (field.OUTPUT_GROUPS, MAX_ITEMS),
        )
    )
    return ModelMetadata(
        name=root.text(field.MODEL_NAME),
        description=root.text(field.MODEL_DESCRIPTION),
        version=root.text(field.MODEL_VERSION),
        author=root.text(field.AUTHOR),
        license=root.text(field.LICENSE),
        min_parser_version=root.text(field.MIN_PARSER_VERSION),
        inputs=tuple(_tensor(table) for table in inputs),
        outputs=tuple(_tensor(table) for table in outputs),
        groups={group.text(field.GROUP_NAME): _texts(group, field.GROUP_TENSORS) for group in groups},
    )


def _tensor(table: Table) -> TensorMetadata:
    content, stats = table.table(field.CONTENT), table.table(field.STATS)
    mean, std = _normalized(table)
    return TensorMetadata(
        name=table.text(field.TENSOR_NAME),
        description=table.text(field.TENSOR_DESCRIPTION),
        content="" if content is None else CONTENTS.get(content.byte(field.CONTENT_KIND), ""),
        mean=mean,
        std=std,
        low=() if stats is None else _floats(stats, field.STATS_MIN),
        high=() if stats is None else _floats(stats, field.STATS_MAX),
        files=tuple(file.text(field.FILE_NAME) for file in _few(table, field.FILES)),
    )


def _normalized(table: Table) -> tuple[Floats, Floats]:
    for unit in _few(table, field.PROCESS_UNITS):
        options = unit.table(field.UNIT_OPTIONS)
        if unit.byte(field.UNIT_KIND) == field.NORMALIZATION and options is not None:
            return _floats(options, field.MEAN), _floats(options, field.STD)
    return (), ()


def _few(table: Table, slot: int, most: int = MAX_ITEMS) -> list[Table]:
    _check_count(table, slot, most)
    return table.tables(slot)


def _texts(table: Table, slot: int) -> tuple[str, ...]:
    _check_count(table, slot, MAX_TENSORS)
    return tuple(table.data[at : at + size].decode("utf-8", errors="replace") for at, size in table.spans(slot))


def _floats(table: Table, slot: int) -> Floats:
    _check_count(table, slot, MAX_VALUES)
    return table.floats(slot)


def _check_count(table: Table, slot: int, most: int) -> None:
    _start, count = table.vector(slot, 4) or (0, 0)
    if count > most:
        raise InputError(f"a list of {counted(count, 'item')} in it; want at most {most}")
