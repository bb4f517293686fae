"""The contract in an .onnx file that detlite exported: it says what the graph does not tell."""

from __future__ import annotations

from dataclasses import replace

from detlite.convert.labels.files import read_labels
from detlite.convert.onnx.metadata import contract_of_model
from detlite.convert.onnx_graph.image import FLOAT, NetworkPicture
from detlite.convert.onnx_graph.model_graph import OnnxModel, shape_of
from detlite.convert.options import DetectorOptions, StatedFacts
from detlite.convert.sidecar_files import matching_labels
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.task import task_kind
from detlite.runtime.tasks.detection import RAW_ROLES, Detection, crops_regions, has_embeddings

QUANTIZED = ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
ORIGIN = "the contract in the file"
INSTEAD = "use the float32 artifact that it was exported from"


def stated_contract(model: OnnxModel, options: DetectorOptions) -> Contract | None:
    """Return the contract in *model*; None if it has none, or if the graph itself or the *options* say how it is read.

    Raises:
        InputError: the contract is not of a float detector with anchors that takes one image.
        ContractError: it is damaged.
    """
    contract = contract_of_model(model.proto)
    if contract is None or options.stated != StatedFacts() or contract.image.dtype != "float32":
        return None
    if any(node.op_type in QUANTIZED for node in model.nodes):
        raise InputError(f"{model.name} is quantized already: {INSTEAD}")
    if contract.image.batch != 1:
        raise InputError(f"{model.name} takes {counted(contract.image.batch, 'image')} at once; want one: {INSTEAD}")
    task = contract.task
    if not isinstance(task, Detection) or crops_regions(contract) or has_embeddings(contract) or not len(task.anchors):
        title = task_kind(task.kind).title
        raise InputError(f"{model.name} is {title}; of those in .onnx files, detlite converts SSDs alone: {INSTEAD}")
    return contract


def stated_picture(model: OnnxModel, contract: Contract) -> NetworkPicture:
    """Return the picture that *model* reads, as its *contract* states it; `InputError` if its input is another."""
    inputs, wanted = model.proto.graph.input, contract.image.tensors[0].shape
    if [shape_of(value) for value in inputs] != [wanted] or inputs[0].type.tensor_type.elem_type != FLOAT:
        raise InputError(
            f"{model.name}: want its one input as float32 {wanted}, as the contract in it says; it was changed after "
            "its export: export it again, or give --mean and --std"
        )
    image = replace(contract.image, layout="NHWC")
    return NetworkPicture(inputs[0].name, (wanted[0], wanted[1], wanted[2], wanted[3]), FLOAT, image, ORIGIN)


def stated_heads(model: OnnxModel, contract: Contract) -> tuple[str, str]:
    """Return the names of the box encodings and of the class scores among the outputs of *model*."""
    outputs = [value.name for value in model.proto.graph.output]
    places = [contract.output(role).index for role in RAW_ROLES]
    if max(places) >= len(outputs):
        raise InputError(
            f"{model.name} has {counted(len(outputs), 'output')}, and the contract in it more: export it again"
        )
    return outputs[places[0]], outputs[places[1]]


def contract_of_heads(stated: Contract, converter: str, options: DetectorOptions) -> Contract:
    """Return *stated*, which is of raw heads, with the *options*; *converter* is the one that the file itself has."""
    task = stated.task
    assert isinstance(task, Detection)
    deferred = task.score_converter_place == "host" or (options.logits and converter != "IDENTITY")
    return with_stated(stated, stated, options).with_task(score_converter_place="host" if deferred else "model")


def with_stated(contract: Contract, stated: Contract, options: DetectorOptions) -> Contract:
    """Return *contract* with what *stated* says of labels and suppression, unless the *options* say it.

    Raises:
        InputError: the labels of the *options* are not as many.
    """
    assert isinstance(contract.task, Detection)
    assert isinstance(stated.task, Detection)
    labels = stated.labels
    if options.labels is not None:
        labels = matching_labels(read_labels(options.labels), len(labels), str(options.labels))
    nms = options.nms.over(replace(stated.task.nms, place="host"))
    task = replace(contract.task, nms=nms, label_offset=stated.task.label_offset)
    return replace(contract, labels=labels, task=task, origin={**contract.origin, **stated.origin})
