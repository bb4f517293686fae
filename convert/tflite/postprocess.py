"""Attaching, stripping and changing a finished model's `TFLite_Detection_PostProcess` op, without TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detlite.convert.tflite.clipped_codes import before_clipping, clipped_codes
from detlite.convert.tflite.edit import CONVERTED, CUSTOM, Edit
from detlite.convert.tflite.heads import further_inputs, name_heads, outputs_of
from detlite.convert.tflite.metadata_fields import NAME as METADATA
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.options import PostprocessSettings, read_settings, write_settings
from detlite.convert.tflite.prune import drop_unused, operators_for
from detlite.convert.tflite.signature import sign
from detlite.convert.tflite.tensors import (
    POSTPROCESS,
    image_of,
    main_subgraph,
    name_of,
    operator_name,
    shape_of,
    text_of,
)
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import (
    DETECTION_ROLES,
    RAW_ROLES,
    detection_of,
    has_embeddings,
    has_proposals,
    has_raw_heads,
)
from detlite.runtime.tensors import Output

CONVERTERS = ("LOGISTIC", "SOFTMAX")
NAMES = (POSTPROCESS, f"{POSTPROCESS}:1", f"{POSTPROCESS}:2", f"{POSTPROCESS}:3")
"""Names of boxes, classes, scores and count, as in the OD API's exporters."""

MAX_COUNT = 1_000_000  # detections: the op always allocates this many boxes


def find_postprocess(model: Any) -> Any | None:
    """Return the model's post-processing operator, or None."""
    for operator in main_subgraph(model).operators:
        if operator_name(model, operator) == POSTPROCESS:
            return operator
    return None


def attach(data: bytes, contract: Contract, *, clips: bool | None = None) -> tuple[bytes, Contract]:
    """Return the model *data* after `attach_op`, and its contract."""
    file = TfliteFile(data)
    made = attach_op(file, contract, clips=clips)
    return file.data, made


def strip(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the model *data* after `strip_op`, and its contract."""
    file = TfliteFile(data)
    made = strip_op(file, contract)
    return file.data, made


def attach_op(file: TfliteFile, contract: Contract, *, clips: bool | None = None) -> Contract:
    """Add the op to the raw-head model *file*, and return the new contract.

    The op reads floats: integer heads are dequantized before it. Logits get their score converter, in float. With
    *clips* boxes are clipped to the image before the op compares them, as the runtime does it; see `clipped_codes`. If
    it is None, the contract says whether.

    Files appended to the model are kept; metadata that describes the outputs is dropped.

    Raises:
        InputError: the contract does not have raw heads, or belongs to another model.
    """
    task = detection_of(contract)
    if not has_raw_heads(contract):
        raise InputError("the model has its post-processing op already; strip it first")
    if task.nms.kind == "peaks":
        raise InputError(
            "the post-processing op decodes SSD boxes, and this detector has CenterNet's peaks: keep its raw heads, "
            "which detlite's runtime decodes on the device"
        )
    if task.box_coder.coding != "faster_rcnn":
        raise InputError(
            "the post-processing op decodes sizes as logarithms, and this detector has linear ones: keep its raw "
            "heads, which detlite's runtime decodes on the device"
        )
    if has_embeddings(contract):
        raise InputError("the network finds its detections itself, and returns their features: keep its outputs")
    if has_proposals(contract):
        raise InputError(
            "the post-processing op decodes one box for an anchor, and this two-stage detector has proposals and a box "
            "for each class: keep its raw heads, which detlite's runtime decodes on the device"
        )
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    edit = Edit(model, subgraph)
    encodings, scores = (edit.as_float(_head(subgraph, contract.output(role))) for role in RAW_ROLES)
    if task.score_converter_place == "host":
        scores = edit.converted(scores, task.score_converter)
    clips = task.nms.clip_in_op if clips is None else clips
    if clips:
        encodings = clipped_codes(edit, subgraph, encodings, task.anchors, task.box_coder)
    anchors = edit.constant("anchors", task.anchors)
    nms = replace(task.nms, place="model", clip=clips, clip_in_op=clips or task.nms.clip_in_op)
    settings = PostprocessSettings(len(contract.labels), task.box_coder, nms)
    outputs = [edit.tensor(name, shape) for name, shape in zip(NAMES, output_shapes(settings), strict=True)]
    write_settings(edit.operator(CUSTOM, [encodings, scores, anchors], outputs, custom=POSTPROCESS), settings)
    subgraph.outputs = outputs
    given = {contract.image.name: image_of(subgraph), **further_inputs(subgraph)}
    sign(model, given, dict(zip(DETECTION_ROLES, outputs, strict=True)))
    drop_metadata(model)
    return replace(
        contract,
        outputs=outputs_of(model, DETECTION_ROLES),
        task=replace(task, nms=nms, score_converter_place="model"),
    )


def _head(subgraph: Any, output: Output) -> int:
    if not 0 <= output.index < len(subgraph.outputs):
        raise InputError(
            f"the model has {counted(len(subgraph.outputs), 'output')}; its contract has output number {output.index}"
        )
    index = int(subgraph.outputs[output.index])
    shape = shape_of(subgraph.tensors[index])
    if shape != output.shape:
        raise InputError(f"the model's {output.role} have the shape {shape}, its contract says {output.shape}")
    return index


def strip_op(file: TfliteFile, contract: Contract) -> Contract:
    """Remove the post-processing op of *file*, whose outputs are then its raw heads; return the new contract.

    What only the op needed is removed too: dequantization of the heads, a score converter from `attach`, anchors.
    This restores the input of `attach` bit for bit.

    Raises:
        InputError: there is no such op, or its inputs are not two heads and constant anchors.
    """
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    op = _the_op(model)
    encodings, scores = before_clipping(subgraph, int(op.inputs[0])), op.inputs[1]
    logits = _before(model, subgraph, scores, CONVERTERS) if _name(subgraph, scores) == CONVERTED else scores
    heads = {
        role: _stored(model, subgraph, index, role) for role, index in zip(RAW_ROLES, (encodings, logits), strict=True)
    }
    subgraph.operators = operators_for(subgraph, heads.values())
    name_heads(model, heads)
    drop_metadata(model)
    drop_unused(model)
    task = detection_of(contract)
    image = replace(contract.image, name=_name(subgraph, image_of(subgraph)))
    return replace(
        contract.with_image(image),
        outputs=outputs_of(model, RAW_ROLES),
        task=replace(
            task,
            nms=replace(task.nms, place="host", clip=True),
            score_converter_place=task.score_converter_place if logits == scores else "host",
        ),
    )


def configure(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the model *data* with the NMS settings of *contract*, and the contract with its new shapes.

    Raises:
        InputError: the model has no post-processing op.
    """
    file = TfliteFile(data)
    model, subgraph = file.edit(keep_appended=True), file.subgraph
    op = _the_op(model)
    settings = replace(read_settings(op), nms=detection_of(contract).nms)
    write_settings(op, settings)
    for index, shape in zip(op.outputs, output_shapes(settings), strict=True):
        subgraph.tensors[index].shape = np.array(shape, np.int32)
        subgraph.tensors[index].shapeSignature = None
    return file.data, replace(contract, outputs=outputs_of(model, contract.roles))


def _the_op(model: Any) -> Any:
    op = find_postprocess(model)
    if op is None:
        raise InputError(f"the model has no {POSTPROCESS}; detlite postprocess --add attaches it")
    if len(op.inputs) != 3 or len(op.outputs) != 4 or -1 in op.inputs:
        raise InputError(f"{POSTPROCESS} has the inputs {op.inputs} and the outputs {op.outputs}; want 3 and 4")
    return op


def output_shapes(settings: PostprocessSettings) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of boxes, classes, scores and count; old exporters omit them from the file.

    The op multiplies by the classes per detection for either NMS, and leaves the rest uninitialized.

    Raises:
        InputError: the settings ask for over `MAX_COUNT` detections.
    """
    count = settings.nms.max_detections * settings.nms.max_classes_per_detection
    if count > MAX_COUNT:
        raise InputError(f"{counted(count, 'detection')}, with all their classes; want at most {MAX_COUNT}")
    return (1, count, 4), (1, count), (1, count), (1,)


def _name(subgraph: Any, index: int) -> str:
    return name_of(subgraph.tensors[index])


def _stored(model: Any, subgraph: Any, index: int, role: str) -> int:
    """Return the head for the op's input *index*: the tensor before dequantization, or *index* if named by role."""
    return index if _name(subgraph, index) == role else _before(model, subgraph, index, ("DEQUANTIZE",))


def _before(model: Any, subgraph: Any, index: int, names: tuple[str, ...]) -> int:
    """Return the input of the operator with one of *names* that makes the tensor *index*; *index* if none does."""
    for operator in subgraph.operators:
        if index in operator.outputs and operator_name(model, operator) in names:
            return int(operator.inputs[0])
    return index


def drop_metadata(model: Any) -> None:
    """Drop the TFLite metadata, which describes outputs that the model no longer has; clients refuse such models."""
    model.metadata = [entry for entry in model.metadata if text_of(entry.name) != METADATA]
