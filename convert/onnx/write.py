"""From a finished TFLite model to the bytes of an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from detlite.convert.onnx.batch import batched
from detlite.convert.onnx.graph import OnnxGraph, OnnxTensor
from detlite.convert.onnx.metadata import CONTRACT_KEY, LABELS_KEY
from detlite.convert.onnx.operators.suppression_by_class import by_class
from detlite.convert.onnx.operators.table import WRITERS, check_known
from detlite.convert.onnx.options import ONNXRUNTIME, TENSORRT, OnnxOptions
from detlite.convert.onnx.package import load_onnx
from detlite.convert.onnx.rounding import Rounding
from detlite.convert.onnx.translation import MAP_RANK, NCHW, NHWC, TO_LAYOUT, Translation
from detlite.convert.tflite.describe import INTEGERS, computes_in_integers
from detlite.convert.tflite.float_weights import unpack_weights
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import dtype_name, image_of
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import Input, StateInput
from detlite.runtime.tensors import Output

RESERVED = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
"""Names that no tensor of a network gets: those of the outputs after non-maximum suppression."""

FIRST_INT8_OPSET = 13
CLIP_RANK = 5
CLIP_TO_NHWC = (0, 1, 3, 4, 2)
NEXT = "_next"
"""After the name of a state: the output that becomes it, which needs a name of its own in ONNX."""


def write_raw(file: TfliteFile, contract: Contract, options: OnnxOptions) -> tuple[bytes, Contract]:
    """Return the ONNX file of the TFLite model *file*, which has the outputs of *contract*, and its contract.

    Outputs are named by role; quantized ones become floats, as the input does: the file quantizes it itself.

    Raises:
        InputError: the model has operators or numbers that the format or the target lacks, or takes a batch of clips.
        MissingToolError: the package `onnx` is not installed.
    """
    if options.batch > 1 and contract.inputs[0].kind != "image":
        raise InputError(f"a batch of {options.batch} clips: only models of single images have a batch")
    further = [tensor.name for tensor in contract.tensors[1:]]
    names = [f"{name}{NEXT}" if name in further else name for name in contract.output_names]
    model, written = translate(file, contract.image.name, names, options, further=further)
    by_name = dict(zip(contract.output_names, written, strict=True))
    outputs = tuple(by_name[output.role] for output in contract.outputs)
    image = replace(contract.image, dtype="float32", quantization=None, layout=options.layout.upper())
    first = contract.with_image(image).inputs[0]
    if options.batch > 1:
        first = replace(image, batch=options.batch)
    changed = replace(contract, inputs=(first, *map(_in_floats, contract.inputs[1:])), outputs=outputs)
    return packed(model, changed), changed


def _in_floats(one: Input) -> Input:
    """Return the input *one* as the ONNX file has it: a quantized state as floats."""
    if not isinstance(one, StateInput) or one.quantization is None:
        return one
    return replace(one, dtype="float32", quantization=None)


def translate(
    file: TfliteFile, image: str, roles: Sequence[str], options: OnnxOptions, *, further: Sequence[str] = ()
) -> tuple[Any, tuple[Output, ...]]:
    """Return the `ModelProto` of the TFLite model *file*, and its outputs; errors as `write_raw`.

    Args:
        file: the model.
        image: the name of the input.
        roles: of the outputs, in the model's order; their names in the graph.
        options: the options of the export.
        further: the names of the inputs after the first, in the model's order.
    """
    dtypes = _rounded_dtypes(file)
    if not dtypes:
        file = file.copy()
        unpack_weights(file)
    if options.batch > 1:
        file = batched(file, options.batch)
    graph = OnnxGraph(options.opset, (image, *further, *roles, *RESERVED))
    translation = Translation(file, graph, _rounding(file, dtypes, options))
    check_known(operator.kind for operator in translation.operators)
    given = [_start(translation, image_of(file.subgraph), image, options.layout.upper())]
    if len(file.subgraph.inputs) != 1 + len(further):
        raise InputError(
            f"the model has {counted(len(file.subgraph.inputs), 'input')}; its contract names {1 + len(further)}"
        )
    for index, name in zip(map(int, file.subgraph.inputs[1:]), further, strict=True):
        translation.put(index, name)
        given.append(OnnxTensor(name, translation.dtype_in_onnx(index), translation.shape(index)))
    grouped = by_class(translation)
    for number, operator in enumerate(translation.operators):
        grouped.get(number, WRITERS[operator.kind])(translation, operator)
    indices = [int(index) for index in file.subgraph.outputs]
    outputs = tuple(
        Output(role, role, place, translation.shape(index), translation.dtype_in_onnx(index))
        for place, (role, index) in enumerate(zip(roles, indices, strict=True))
    )
    ends = [OnnxTensor(output.name, output.dtype, output.shape) for output in outputs]
    values = [translation.value(index, NHWC) for index in indices]
    return graph.finish(given, list(zip(values, ends, strict=True))), outputs


def _rounded_dtypes(file: TfliteFile) -> set[str]:
    """Return the integer dtypes of the tensors that the model computes; empty for a model that computes with floats."""
    tensors = file.subgraph.tensors
    computed = [int(index) for operator in file.subgraph.operators for index in operator.outputs]
    return {dtype_name(tensors[index]) for index in computed} & set(INTEGERS)


def _rounding(file: TfliteFile, dtypes: set[str], options: OnnxOptions) -> Rounding:
    """Return how a model with these computed integer *dtypes* is rounded; errors as `write_raw`."""
    if not dtypes:
        return Rounding(for_tensorrt=options.target == TENSORRT)
    if "int16" in dtypes:
        raise InputError("the model has int16 activations, for which ONNX runtimes have no kernels: use --scheme int8")
    if options.opset < FIRST_INT8_OPSET:
        raise InputError(f"opset {options.opset} has no scales per channel: an int8 model needs {FIRST_INT8_OPSET}")
    is_explicit = not computes_in_integers(file.model, file.subgraph)
    target = options.target or (TENSORRT if is_explicit else ONNXRUNTIME)
    return Rounding(unsigned=target == ONNXRUNTIME, for_tensorrt=target == TENSORRT)


def _start(t: Translation, image: int, name: str, layout: str) -> OnnxTensor:
    """Set the image's value, and return the graph's input."""
    shape = t.shape(image)
    if len(shape) == CLIP_RANK:
        return _start_of_clip(t, image, name, layout)
    if len(shape) != MAP_RANK:
        raise InputError(f"the model's input has the shape {shape}; want an image [1, height, width, channels]")
    value = name
    if layout == NHWC:
        value = t.graph.transpose(name, TO_LAYOUT[NCHW], f"{name}_nchw")
    t.put(image, value, NCHW)
    if layout == NCHW:
        shape = tuple(shape[axis] for axis in TO_LAYOUT[NCHW])
    return OnnxTensor(name, "float32", shape)


def _start_of_clip(t: Translation, clip: int, name: str, layout: str) -> OnnxTensor:
    """Set the value of a clip [1, frames, height, width, channels], and return the graph's input."""
    shape, value = t.shape(clip), name
    if layout == NCHW:
        value = t.graph.transpose(name, CLIP_TO_NHWC, f"{name}_nhwc")
        shape = (*shape[:2], shape[4], *shape[2:4])
    t.put(clip, value)
    return OnnxTensor(name, "float32", shape)


def packed(model: Any, contract: Contract, *, is_standard: bool = True) -> bytes:
    """Return the bytes of the `ModelProto` *model*, with *contract* and labels as its metadata.

    It is checked if it *is_standard*: the checker does not know the plug-ins of a runtime.

    Raises:
        InputError: it is not valid ONNX, such as a model that no single file can hold.
    """
    onnx = load_onnx()
    labels = "".join(f"{label}\n" for label in contract.labels)
    onnx.helper.set_model_props(model, {CONTRACT_KEY: contract.to_json(), LABELS_KEY: labels})
    try:
        if is_standard:
            onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise InputError(f"the model cannot be written as ONNX: {' '.join(str(error).split())[:300]}") from error
    data: bytes = model.SerializeToString(deterministic=True)
    return data
