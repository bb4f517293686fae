"""What TFLite metadata says of the outputs of a model, task by task, in the words that clients look for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detlite.convert.tflite import metadata_fields as fields
from detlite.convert.tflite.flat_value import Number, Numbers, Value, write_flatbuffer
from detlite.convert.tflite.options import read_settings
from detlite.convert.tflite.postprocess import find_postprocess
from detlite.convert.tflite.tensors import dtype_name, main_subgraph, shape_of
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import ContractError, InputError
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.detection import DETECTION_ROLES, Detection, has_raw_heads
from detlite.runtime.tasks.segmentation import Segmentation

LABELS = "labels.txt"
"""The file with the labels, appended to the model: one per line, `???` for a class without a label."""

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
class DescribedOutputs:
    """The tables of the metadata that a model's outputs fill.

    Attributes:
        model: what the model does, in a sentence.
        outputs: a table for each output, in the model's order.
        groups: the groups of outputs.
        custom: tables of custom metadata.
    """

    model: str
    outputs: Sequence[Value]
    groups: Sequence[Value] = field(default=())
    custom: Sequence[Value] = field(default=())


def describe_outputs(model: Any, contract: Contract) -> DescribedOutputs:
    """Return the metadata of the outputs of *model*, a `ModelT`.

    Raises:
        InputError: metadata has no word for the task, or for these outputs.
        ContractError: the contract belongs to another model.
    """
    describe = DESCRIBED.get(type(contract.task))
    if describe is None:
        raise InputError(f"TFLite metadata has no word for the outputs of the task {contract.task.kind}")
    return describe(model, contract)


def stats(low: tuple[float, ...], high: tuple[float, ...]) -> Value:
    """Return the table that a tensor's values are in *low* .. *high*: one limit for all channels, or one for each."""
    return {fields.STATS_MAX: Numbers("f", high), fields.STATS_MIN: Numbers("f", low)}


def _of_detector(model: Any, contract: Contract) -> DescribedOutputs:
    if has_raw_heads(contract):
        raise InputError(
            "the model has raw heads, but metadata describes boxes, classes, scores and a count: attach its "
            "post-processing op first (detlite postprocess --add)"
        )
    roles = roles_of(model, contract)
    group = {fields.GROUP_NAME: GROUP, fields.GROUP_TENSORS: [NAMES[role] for role in DETECTION_ROLES[:3]]}
    about = "Finds objects in an image: their boxes, classes and scores."
    return DescribedOutputs(about, [_output_of_op(role) for role in roles], groups=[group])


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
        raise ContractError(
            f"{counted(len(contract.labels), 'label')} for the {counted(classes, 'class')} of the op: want one for each"
        )
    return found


def _output_of_op(role: str) -> Value:
    made: dict[int, Value] = {fields.TENSOR_NAME: NAMES[role], fields.TENSOR_DESCRIPTION: DESCRIPTIONS[role]}
    if role == "boxes":
        properties = {
            fields.BOX_INDEX: Numbers("I", LEFT_TOP_RIGHT_BOTTOM),
            fields.BOX_TYPE: Number("b", fields.CORNERS),
            fields.BOX_UNIT: Number("b", fields.RATIO),
        }
        return made | {fields.CONTENT: _content(fields.BOUNDING_BOX, properties, per_box=True)}
    made[fields.CONTENT] = _content(fields.FEATURE, {}, per_box=role != "count")
    if role == "scores":
        made[fields.STATS] = stats((0.0,), (1.0,))
    if role == "classes":
        made[fields.FILES] = [_labels("The name of each class.", fields.VALUE_LABELS)]
    return made


def _of_classifier(model: Any, contract: Contract) -> DescribedOutputs:
    assert isinstance(contract.task, Classification)
    scores = _score_output(model, contract, 2)
    if contract.task.score_converter_place != "model":
        raise InputError("the model has logits, and clients take scores: they have no softmax of their own")
    output = {
        fields.TENSOR_NAME: "probability",
        fields.TENSOR_DESCRIPTION: f"The score of each class: of the lines of {LABELS}, in their order.",
        fields.CONTENT: _content(fields.FEATURE, {}, per_box=False),
        fields.STATS: stats((0.0,), (1.0,)),
        fields.FILES: [_labels("The name of each class.", fields.AXIS_LABELS)],
    }
    return DescribedOutputs(f"Tells which of {counted(scores, 'class')} an image shows.", [output])


def _of_segmenter(model: Any, contract: Contract) -> DescribedOutputs:
    assert isinstance(contract.task, Segmentation)
    scores = _score_output(model, contract, 4)
    properties = {fields.COLOUR_SPACE: Number("b", fields.GRAYSCALE)}
    output = {
        fields.TENSOR_NAME: "segmentation_masks",
        fields.TENSOR_DESCRIPTION: f"The score of each class in each pixel: the channels are the lines of {LABELS}.",
        fields.CONTENT: {
            fields.CONTENT_KIND: Number("B", fields.IMAGE),
            fields.CONTENT_PROPERTIES: properties,
            fields.CONTENT_RANGE: {fields.RANGE_MIN: Number("i", 1), fields.RANGE_MAX: Number("i", 2)},
        },
        fields.FILES: [_labels("The name of each class.", fields.AXIS_LABELS)],
    }
    task = contract.task
    activation = "IDENTITY" if task.score_converter_place == "model" else task.score_converter
    options = {fields.ACTIVATION: Number("b", fields.ACTIVATIONS[activation])}
    custom = {
        fields.CUSTOM_NAME: fields.SEGMENTER,
        fields.CUSTOM_DATA: write_flatbuffer(options, fields.SEGMENTER_IDENTIFIER),
    }
    return DescribedOutputs(
        f"Tells for each pixel which of {counted(scores, 'class')} it shows.", [output], custom=[custom]
    )


def _score_output(model: Any, contract: Contract, rank: int) -> int:
    """Return the number of classes, after checking that the one output has a float32 score for each of the labels."""
    subgraph = main_subgraph(model)
    if len(subgraph.outputs) != 1 or contract.roles != (SCORES,):
        raise ContractError(
            f"the model has {counted(len(subgraph.outputs), 'output')}, its contract {contract.roles}: want one"
        )
    tensor = subgraph.tensors[subgraph.outputs[0]]
    shape, dtype = shape_of(tensor), dtype_name(tensor)
    if len(shape) != rank or shape[-1] != len(contract.labels) or dtype != "float32":
        raise InputError(
            f"the model's output is {dtype} {shape}, and clients take a float32 score for each of its "
            f"{counted(len(contract.labels), 'label')}, without a background"
        )
    return shape[-1]


def _labels(description: str, kind: int) -> Value:
    return {
        fields.FILE_NAME: LABELS,
        fields.FILE_DESCRIPTION: description,
        fields.FILE_TYPE: Number("b", kind),
    }


def _content(kind: int, properties: Value, *, per_box: bool) -> Value:
    boxes = 2  # the second dimension
    every_box = {fields.RANGE_MIN: Number("i", boxes), fields.RANGE_MAX: Number("i", boxes)}
    return {
        fields.CONTENT_KIND: Number("B", kind),
        fields.CONTENT_PROPERTIES: properties,
        fields.CONTENT_RANGE: every_box if per_box else None,
    }


DESCRIBED: Mapping[type, Callable[[Any, Contract], DescribedOutputs]] = {
    Classification: _of_classifier,
    Detection: _of_detector,
    Segmentation: _of_segmenter,
}
