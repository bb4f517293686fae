"""TFLite metadata of a model for apps, as MediaPipe Tasks and the TFLite Task Library need it.

Written with flatbuffers alone: TFLite Support's writer needs an old Python, and MediaPipe's is not in its wheel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detlite.convert.tflite import metadata_fields as field
from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.flat_value import Number, Numbers, Value, write_flatbuffer
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.metadata import metadata_of, read_metadata
from detlite.convert.tflite.metadata_outputs import LABELS, DescribedOutputs, describe_outputs, stats
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import text_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput

PIXELS = (0.0, 255.0)


@dataclass(frozen=True)
class About:
    """The metadata's description of the whole model; without a *description*, its task's."""

    name: str
    description: str = ""


def with_metadata(
    data: bytes,
    contract: Contract,
    about: About,
    *,
    replace_old: bool = False,
) -> bytes:
    """Return the model *data* with metadata for *contract*, and its labels appended: the same bytes every time.

    Raises:
        InputError: clients have no word for the model's task or outputs (see `describe_outputs`), or it has metadata
            and *replace_old* is false, or its labels cannot be written one per line.
        ContractError: the contract belongs to another model.
    """
    model = load(data, "the model")
    outputs = describe_outputs(model, contract)
    files = appended_files(data)
    if metadata_of(model) is not None:
        if not replace_old:
            raise InputError("the model has TFLite metadata already: pass --replace-metadata to replace it")
        _remove(model, files)
    _embed(model, write_flatbuffer(_model(contract, outputs, about), field.IDENTIFIER))
    return with_files(dump(model), {**files, LABELS: label_lines(contract.labels)})


def label_lines(labels: tuple[str, ...]) -> bytes:
    """Return *labels*, one per line.

    Raises:
        InputError: one is empty, has a line break or another control character, or is not ASCII: the clients and
            the tools around them read lines of bytes.
    """
    for number, label in enumerate(labels):
        if not label.isascii() or not label.isprintable() or label != label.strip() or not label:
            raise InputError(
                f"label {number} is {label!r:.60}: want printable ASCII on one line, without spaces around it; give a "
                "list with --labels, and translate names in the app"
            )
    return "".join(f"{label}\n" for label in labels).encode("ascii")


def _remove(model: Any, files: dict[str, bytes]) -> None:
    """Remove metadata from *model*, and from *files* the labels that it named."""
    found = read_metadata(model)
    for tensor in () if found is None else (*found.inputs, *found.outputs):
        for name in tensor.files:
            files.pop(name, None)
    model.metadata = [entry for entry in model.metadata if text_of(entry.name) != field.NAME]
    drop_unused(model)


def _embed(model: Any, metadata: bytes) -> None:
    from ai_edge_litert.schema_py_generated import BufferT, MetadataT

    buffer, entry = BufferT(), MetadataT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = field.NAME, len(model.buffers) - 1
    model.metadata.append(entry)


def _model(contract: Contract, described: DescribedOutputs, about: About) -> Value:
    subgraph = {
        field.INPUTS: [_image(contract.image)],
        field.OUTPUTS: list(described.outputs),
        field.OUTPUT_GROUPS: list(described.groups) or None,
        field.CUSTOM: list(described.custom) or None,
    }
    return {
        field.MODEL_NAME: about.name,
        field.MODEL_DESCRIPTION: about.description or described.model,
        field.SUBGRAPHS: [subgraph],
        field.MIN_PARSER_VERSION: field.PARSER_VERSION,
    }


def _image(image: ImageInput) -> Value:
    mean, std = _one_or_all(image.mean), _one_or_all(image.std)
    limits: list[tuple[float, ...]] = [(pixel,) for pixel in PIXELS]  # an integer input takes unchanged pixels
    if image.dtype == "float32":
        limits = [tuple((pixel - m) / s for m, s in zip(image.mean, image.std, strict=True)) for pixel in PIXELS]
    return {
        field.TENSOR_NAME: "image",
        field.TENSOR_DESCRIPTION: f"The image, {image.width} x {image.height} pixels.",
        field.CONTENT: {
            field.CONTENT_KIND: Number("B", field.IMAGE),
            field.CONTENT_PROPERTIES: {field.COLOUR_SPACE: Number("b", field.RGB)},
        },
        field.PROCESS_UNITS: [
            {
                field.UNIT_KIND: Number("B", field.NORMALIZATION),
                field.UNIT_OPTIONS: {field.MEAN: Numbers("f", mean), field.STD: Numbers("f", std)},
            }
        ],
        field.STATS: stats(*(_one_or_all(limit) for limit in limits)),
    }


def _one_or_all(values: tuple[float, ...]) -> tuple[float, ...]:
    return values[:1] if len(set(values)) == 1 else values
