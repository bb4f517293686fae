"""The op `TFLite_Detection_PostProcess` of a finished model: attached, stripped, changed. No TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from detlite.convert.tflite.edit import CUSTOM, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.heads import name_heads, outputs_of
from detlite.convert.tflite.options import PostprocessSettings, read_settings, write_settings
from detlite.convert.tflite.signature import sign
from detlite.convert.tflite.tensors import POSTPROCESS, main_subgraph, operator_name
from detlite.runtime.contract import DETECTION_ROLES, RAW_ROLES, Contract
from detlite.runtime.errors import InputError

NAMES = (POSTPROCESS, f"{POSTPROCESS}:1", f"{POSTPROCESS}:2", f"{POSTPROCESS}:3")
"""Of boxes, classes, scores and count, as the OD API's exporters name them."""


def find_postprocess(model: Any) -> Any | None:
    """Return the model's post-processing operator, or None."""
    for operator in main_subgraph(model).operators:
        if operator_name(model, operator) == POSTPROCESS:
            return operator
    return None


def attach(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the raw-head model *data* with the op behind it, and the contract of that.

    The op reads floats: heads in integers are dequantized before it. Logits get their score converter, in float.

    Raises:
        InputError: the contract is not of raw heads.
    """
    if not contract.is_raw:
        raise InputError("the model has its post-processing op already; strip it first")
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    edit = Edit(model, subgraph)
    encodings, scores = (edit.as_float(subgraph.outputs[contract.output(role).index]) for role in RAW_ROLES)
    if contract.score_converter_place == "host":
        scores = edit.converted(scores, contract.score_converter)
    anchors = edit.constant("anchors", contract.anchors)
    nms = replace(contract.nms, place="model", clip=False)
    settings = PostprocessSettings(len(contract.labels), contract.box_coder, nms)
    outputs = [edit.tensor(name, shape) for name, shape in zip(NAMES, output_shapes(settings), strict=True)]
    write_settings(edit.operator(CUSTOM, [encodings, scores, anchors], outputs, custom=POSTPROCESS), settings)
    subgraph.outputs = outputs
    sign(model, {contract.image.name: subgraph.inputs[0]}, dict(zip(DETECTION_ROLES, outputs, strict=True)))
    made = replace(
        contract,
        nms=nms,
        outputs=outputs_of(model, DETECTION_ROLES),
        score_converter_place="model",
    )
    return dump(model), made


def strip(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the model *data* without its post-processing op, its raw heads as outputs, and the contract of that.

    What only the op needed goes with it: dequantization of the heads, anchors.

    Raises:
        InputError: there is no such op, or its inputs are not two heads and constant anchors.
    """
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    op = _the_op(model)
    heads = [_before_dequantize(model, subgraph, index) for index in op.inputs[:2]]
    dead = _made_only_for(subgraph, op, heads)
    subgraph.operators = [operator for operator in subgraph.operators if not any(operator is one for one in dead)]
    name_heads(model, dict(zip(RAW_ROLES, heads, strict=True)))
    _drop_unused(model)
    nms = replace(contract.nms, place="host", clip=True)
    raw = dump(model)
    outputs = outputs_of(load(raw, "the model"), RAW_ROLES)
    image = replace(contract.image, name="image")
    return raw, replace(contract, nms=nms, outputs=outputs, image=image)


def configure(data: bytes, contract: Contract) -> tuple[bytes, Contract]:
    """Return the model *data* with the NMS settings that *contract* says, and the contract with its new shapes.

    Raises:
        InputError: the model has no post-processing op.
    """
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    op = _the_op(model)
    settings = replace(read_settings(op), nms=contract.nms)
    write_settings(op, settings)
    for index, shape in zip(op.outputs, output_shapes(settings), strict=True):
        subgraph.tensors[index].shape = np.array(shape, np.int32)
        subgraph.tensors[index].shapeSignature = None
    changed = dump(model)
    roles = [output.role for output in sorted(contract.outputs, key=lambda output: output.index)]
    return changed, replace(contract, outputs=outputs_of(load(changed, "the model"), roles))


def _the_op(model: Any) -> Any:
    op = find_postprocess(model)
    if op is None:
        raise InputError(f"the model has no {POSTPROCESS}; detlite postprocess --add attaches it")
    if len(op.inputs) != 3 or len(op.outputs) != 4:
        raise InputError(f"{POSTPROCESS} has {len(op.inputs)} inputs and {len(op.outputs)} outputs; want 3 and 4")
    return op


def output_shapes(settings: PostprocessSettings) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of boxes, classes, scores and count; old exporters leave them out of the file."""
    nms = settings.nms
    count = nms.max_detections * (nms.max_classes_per_detection if nms.kind == "fast" else 1)
    return (1, count, 4), (1, count), (1, count), (1,)


def _before_dequantize(model: Any, subgraph: Any, index: int) -> int:
    for operator in subgraph.operators:
        if index in operator.outputs and operator_name(model, operator) == "DEQUANTIZE":
            return int(operator.inputs[0])
    return int(index)


def _made_only_for(subgraph: Any, op: Any, heads: list[int]) -> list[Any]:
    """Return *op* and the operators between the *heads* and it."""
    between = set(op.inputs) - set(heads)
    return [op, *(one for one in subgraph.operators if set(one.outputs) & between)]


def _drop_unused(model: Any) -> None:
    """Drop tensors and operator codes that no operator names any longer; buffers stay, emptied."""
    subgraph = main_subgraph(model)
    used = {i for operator in subgraph.operators for i in (*operator.inputs, *operator.outputs) if i >= 0}
    used |= {*subgraph.inputs, *subgraph.outputs}
    kept = sorted(used)
    number = {old: new for new, old in enumerate(kept)}
    gone = {tensor.buffer for i, tensor in enumerate(subgraph.tensors) if i not in used}
    subgraph.tensors = [subgraph.tensors[i] for i in kept]
    for operator in subgraph.operators:
        operator.inputs = [number.get(i, -1) for i in operator.inputs]
        operator.outputs = [number[i] for i in operator.outputs]
    subgraph.inputs, subgraph.outputs = ([number[i] for i in side] for side in (subgraph.inputs, subgraph.outputs))
    for signature in model.signatureDefs:
        for item in (*signature.inputs, *signature.outputs):
            item.tensorIndex = number[item.tensorIndex]
    for buffer in gone - {tensor.buffer for tensor in subgraph.tensors} - {item.buffer for item in model.metadata}:
        model.buffers[buffer].data = None
