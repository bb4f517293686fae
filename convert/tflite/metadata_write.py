"""TFLite metadata of a detector with its post-processing op, as MediaPipe Tasks and the TFLite Task Library need it.

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
from detlite.convert.tflite.options import read_settings
from detlite.convert.tflite.postprocess import find_postprocess
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import main_subgraph, text_of
from detlite.runtime.contract import Contract
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import DETECTION_ROLES, has_raw_heads

LABELS = "labels.txt"
"""The file with the labels, appended to the model: one per line, `???` for a class without a label."""

PIXELS = (0.0, 255.0)
NAMES = {"boxes": "location", "classes": "category", "scores": "score", "count": "number of detections"}
"""The clients' names of the outputs; they search for exactly these."""

DESCRIPTIONS = {
    "boxes": "The edges of each box: top, left, bottom, right, in parts of the image.",
    "classes": f"The class of each box: the line of {LABELS}, from 0 on.",
    "scores": "The score of each box, best first.",
    "count": "How many boxes there are.",
}
GROUP = "detection_result"
LEFT_TOP_RIGHT_BOTTOM = (1, 0, 3, 2)  # their indices in the op's boxes, which start with the top


@dataclass(frozen=True)
class About:
    """The metadata's description of the whole model."""

    name: str
    description: str = "Finds objects in an image: their boxes, classes and scores."


def with_metadata(
    data: bytes,
    contract: Contract,
    about: About,
    *,
    replace_old: bool = False,
) -> bytes:
    """Return the model *data* with metadata for *contract*, and its labels appended: the same bytes every time.

    Raises:
        InputError: the model has raw heads, or metadata and *replace_old* is false, or its labels cannot be
            written one per line.
        ContractError: the contract belongs to another model.
    """
    if has_raw_heads(contract):
        raise InputError(
            "the model has raw heads, but metadata describes boxes, classes, scores and a count: attach its "
            "post-processing op first (detlite postprocess --add)"
        )
    model = load(data, "the model")
    files = appended_files(data)
    if metadata_of(model) is not None:
        if not replace_old:
            raise InputError("the model has TFLite metadata already: pass --replace-metadata to replace it")
        _remove(model, files)
    roles = roles_of(model, contract)
    _embed(model, write_flatbuffer(_model(contract, roles, about), field.IDENTIFIER))
    return with_files(dump(model), {**files, LABELS: label_lines(contract.labels)})


def roles_of(model: Any, contract: Contract) -> tuple[str, ...]:
    """Return the role of each output of *model*, in its order, from the op and not from positions.

    Raises:
        ContractError: the model has no such op, or the contract differs.
    """
    op = find_postprocess(model)
    if op is None or len(op.outputs) != len(DETECTION_ROLES):
        raise ContractError("the contract has boxes, classes, scores and count, but the model has no op for them")
    by_tensor = dict(zip((int(tensor) for tensor in op.outputs), DETECTION_ROLES, strict=True))
    found = tuple(by_tensor.get(int(tensor), "not of the op") for tensor in main_subgraph(model).outputs)
    stated = tuple(output.role for output in sorted(contract.outputs, key=lambda output: output.index))
    if found != stated:
        raise ContractError(f"the model's outputs are {', '.join(found)}; its contract says {', '.join(stated)}")
    classes = read_settings(op).classes
    if classes != len(contract.labels):
        raise ContractError(f"{len(contract.labels)} labels for the {classes} classes of the op: want one for each")
    return found


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


def _model(contract: Contract, roles: tuple[str, ...], about: About) -> Value:
    outputs = {role: _output(role) for role in roles}
    group = {field.GROUP_NAME: GROUP, field.GROUP_TENSORS: [NAMES[role] for role in DETECTION_ROLES[:3]]}
    subgraph = {
        field.INPUTS: [_image(contract.image)],
        field.OUTPUTS: [outputs[role] for role in roles],
        field.OUTPUT_GROUPS: [group],
    }
    return {
        field.MODEL_NAME: about.name,
        field.MODEL_DESCRIPTION: about.description,
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
        field.STATS: _stats(*(_one_or_all(limit) for limit in limits)),
    }


def _output(role: str) -> Value:
    made: dict[int, Value] = {field.TENSOR_NAME: NAMES[role], field.TENSOR_DESCRIPTION: DESCRIPTIONS[role]}
    if role == "boxes":
        properties = {
            field.BOX_INDEX: Numbers("I", LEFT_TOP_RIGHT_BOTTOM),
            field.BOX_TYPE: Number("b", field.CORNERS),
            field.BOX_UNIT: Number("b", field.RATIO),
        }
        return made | {field.CONTENT: _content(field.BOUNDING_BOX, properties, per_box=True)}
    made[field.CONTENT] = _content(field.FEATURE, {}, per_box=role != "count")
    if role == "scores":
        made[field.STATS] = _stats((0.0,), (1.0,))
    if role == "classes":
        made[field.FILES] = [
            {
                field.FILE_NAME: LABELS,
                field.FILE_DESCRIPTION: "The name of each class.",
                field.FILE_TYPE: Number("b", field.VALUE_LABELS),
            }
        ]
    return made


def _content(kind: int, properties: Value, *, per_box: bool) -> Value:
    every_box = {field.RANGE_MIN: Number("i", 2), field.RANGE_MAX: Number("i", 2)}  # the second dimension is the boxes
    return {
        field.CONTENT_KIND: Number("B", kind),
        field.CONTENT_PROPERTIES: properties,
        field.CONTENT_RANGE: every_box if per_box else None,
    }


def _stats(low: tuple[float, ...], high: tuple[float, ...]) -> Value:
    return {field.STATS_MAX: Numbers("f", high), field.STATS_MIN: Numbers("f", low)}


def _one_or_all(values: tuple[float, ...]) -> tuple[float, ...]:
    return values[:1] if len(set(values)) == 1 else values
