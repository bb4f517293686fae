"""The contract of a finished .tflite from another tool: by its post-processing op, its one output, or its states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from detlite.convert.labels.background import with_background, without_background
from detlite.convert.labels.files import numbered_labels, read_labels
from detlite.convert.labels.numbered import GAP
from detlite.convert.tflite.metadata import normalization_of
from detlite.convert.tflite.one_output import SCORING, OneOutput, find_one_output, last_operator
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.options import PostprocessSettings, read_settings
from detlite.convert.tflite.postprocess import find_postprocess, output_shapes
from detlite.convert.tflite.signature import outputs_said
from detlite.convert.tflite.stream import CLIP_SIDES, Stream, find_stream
from detlite.convert.tflite.tensors import (
    EDGETPU,
    dtype_name,
    main_subgraph,
    one_input_of,
    operator_name,
    quantization_of,
    real_constant_of,
    shape_of,
    text_of,
)
from detlite.runtime.arrays import Floats
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.letterbox import Letterbox
from detlite.runtime.stream_inputs import ClipInput
from detlite.runtime.task import Task
from detlite.runtime.tasks.classification import Classification
from detlite.runtime.tasks.detection import DETECTION_ROLES, Detection
from detlite.runtime.tasks.segmentation import Segmentation
from detlite.runtime.tensors import DTYPES, Output, Quantization

LABEL_FILES = ("labels.txt", "labelmap.txt")
BACKGROUNDS = (GAP, "background")  # names of column 0 in some lists; the op does not count it
CROP = 0.875
"""The share of an image that ImageNet's classifiers are evaluated on."""

MOVINET_SHORT_SIDES = {172: 192, 224: 256, 256: 288, 290: 320, 320: 368}
"""By the input's side, the shorter side of the video that MoViNet's square is cut from (TF-Vision, A0 to A5)."""

UINT8_ZERO, INT8_ZERO = 0, 128  # subtracted from a pixel before it is fed in


def contract_of_tflite(path: Path, *, labels: Path | None = None) -> Contract:
    """Return the contract of the model in the .tflite file at *path*.

    Raises:
        InputError: it is damaged, or is neither a detector with its post-processing op, without which its anchors are
            unknown, nor a classifier or a segmenter by its one output, nor a classifier of video by its states.
    """
    return contract_of_file(TfliteFile(path.read_bytes(), str(path)), path, labels=labels)


def contract_of_file(file: TfliteFile, path: Path, *, labels: Path | None = None) -> Contract:
    """Return the contract of an open *file* like `contract_of_tflite`; label files are searched beside *path*."""
    model, subgraph = file.model, file.subgraph
    op = find_postprocess(model)
    if op is None and (found := find_one_output(model, subgraph)) is not None:
        return _of_one_output(file, path, found, labels)
    if op is None and (stream := find_stream(model, subgraph)) is not None:
        return _of_stream(file, path, stream, labels)
    if op is None or len(op.inputs) != 3 or len(op.outputs) != 4 or -1 in op.inputs:
        raise InputError(_not_a_detector(model, path))
    settings = read_settings(op)
    anchors = _anchors(model, subgraph, op)
    columns = (shape_of(subgraph.tensors[op.inputs[1]]) or (settings.classes + 1,))[-1]
    offset = columns - settings.classes
    if offset not in (0, 1):
        raise InputError(
            f"{path}: {columns} class columns for {counted(settings.classes, 'class')}; want as many, or one more"
        )
    origin = {"anchors, box_coder, nms": "the model's post-processing op"}
    image = image_of_file(model, _one_image(subgraph), origin)
    task = Detection(
        anchors=anchors,
        box_coder=settings.box_coder,
        score_converter="IDENTITY",
        score_converter_place="model",
        label_offset=offset,
        nms=settings.nms,
    )
    names = _labels(file, path, labels, settings.classes, origin)
    return Contract((image,), _outputs(subgraph, op, settings), names, task, origin)


def _anchors(model: Any, subgraph: Any, op: Any) -> Floats:
    """Return the anchors, float32 (N, 4); float16 models keep them as float16 before a DEQUANTIZE."""
    index = op.inputs[2]
    for operator in subgraph.operators:
        if index in operator.outputs and operator_name(model, operator) == "DEQUANTIZE":
            index = operator.inputs[0]
    anchors = real_constant_of(model, subgraph.tensors[index])
    boxes = shape_of(subgraph.tensors[op.inputs[0]])
    if anchors.ndim != 2 or anchors.shape[1] != 4 or (len(boxes) == 3 and boxes[1] != len(anchors)):
        raise InputError(f"the op has anchors {anchors.shape} for box encodings {boxes}; want (N, 4) for (1, N, 4)")
    return np.ascontiguousarray(anchors)


def _not_a_detector(model: Any, path: Path) -> str:
    names = {operator_name(model, operator) for operator in main_subgraph(model).operators}
    if EDGETPU in names:
        return f"{path} is compiled for the Edge TPU and has no post-processing op: give the contract of its CPU model"
    count = len(main_subgraph(model).outputs)
    if count == 1:
        return (
            f"{path} has no post-processing op, and its output is neither scores of classes nor a map of them: detlite "
            "can inspect and measure it; give the folder that detlite wrote, or the graph that it was made from"
        )
    return (
        f"{path} has no post-processing op, so nothing says what its {count} outputs are or where its anchors are "
        f"({outputs_said(model)}): give the folder that detlite wrote, the graph that it was made from, or, of an SSD, "
        "say it to `detlite convert` with --anchors, --box-order, --mean and --std"
    )


def _outputs(subgraph: Any, op: Any, settings: PostprocessSettings) -> tuple[Output, ...]:
    """Return the outputs by their roles in the op; their order in the model depends on the exporter."""
    found = []
    for role, tensor, shape in zip(DETECTION_ROLES, op.outputs, output_shapes(settings), strict=True):
        if tensor not in subgraph.outputs:
            raise InputError(f"the op's {role} are not an output of the model: it was cut or edited")
        detail = subgraph.tensors[tensor]
        name, index = text_of(detail.name), subgraph.outputs.index(tensor)
        found.append(Output(role, name, index, shape, dtype_name(detail)))
    return tuple(sorted(found, key=lambda output: output.index))


def _of_one_output(file: TfliteFile, path: Path, found: OneOutput, given: Path | None) -> Contract:
    """Return the contract of a classifier or a segmenter; TF-Vision's way with images is assumed."""
    origin = {"task": f"the model's one output: {found.said}"}
    image = replace(image_of_file(file.model, _one_image(file.subgraph), origin), resize="half_pixel_bilinear")
    place = "model" if found.in_model else "host"
    labels, title = _labels_of_columns(file, path, given)
    task: Task
    if found.is_of_pixels:
        pad = tuple(min(max(value, 0.0), 255.0) for value in (image.mean * 3)[:3])
        image, how = replace(image, letterbox=Letterbox("bottom_right", pad)), "padded to keep their aspect ratio"
        names = with_background(labels, title, found.columns, origin)
        task = Segmentation(image.resize, found.converter, place)
    else:
        image, how = replace(image, crop=CROP), f"the central square of {CROP} of the shorter side"
        names, offset = without_background(labels, title, found.columns, origin)
        task = Classification(found.converter, place, offset)
    origin["image"] = f"{origin['image'].split(';')[0]}; resizing: assumed, {how} ({image.resize})"
    return Contract((image,), (found.output,), names, task, origin)


def _labels_of_columns(file: TfliteFile, path: Path, given: Path | None) -> tuple[tuple[str, ...] | None, str]:
    """Return the labels from *given*, the file's metadata or beside *path*, and their name; None if there are none."""
    if given is None and (packed := packed_labels(file)) is not None:
        return packed[1], f"{packed[0]} in the model's metadata"
    beside = next((path.parent / name for name in LABEL_FILES if (path.parent / name).is_file()), None)
    found = given or beside
    return (
        (None, "")
        if found is None
        else (read_labels(found), str(found) if found == given else f"{found.name} beside the model")
    )


def _of_stream(file: TfliteFile, path: Path, found: Stream, given: Path | None) -> Contract:
    """Return the contract of a classifier of video; TF-Vision's way with frames is assumed."""
    model, subgraph = file.model, file.subgraph
    tensor = subgraph.tensors[subgraph.outputs[found.output]]
    shape, dtype = shape_of(tensor), dtype_name(tensor)
    if len(shape) != 2 or shape[0] != 1 or dtype not in DTYPES:
        raise InputError(f"the model's output is {dtype} {shape}; want the scores of its classes, [1, classes]")
    last = last_operator(model, subgraph, subgraph.outputs[found.output])
    name = "" if last is None else operator_name(model, last)
    what = counted(len(found.states), "state") if found.states else f"clips of {found.frames} frames"
    said = f"scores ({name})" if name in SCORING else f"numbers that {name} makes, taken for logits"
    origin = {"task": f"the model's inputs and outputs: {what}; its output: {said}"}
    image = image_of_file(model, subgraph.tensors[subgraph.inputs[found.image]], origin, is_video=True)
    crop = image.height / MOVINET_SHORT_SIDES[image.height] if image.height in MOVINET_SHORT_SIDES else CROP
    image = replace(image, resize="half_pixel_bilinear", crop=crop)
    origin["image"] = (
        f"{origin['image'].split(';')[0]}; resizing: assumed, the central square of {crop:.3f} of the shorter side "
        f"({image.resize})"
    )
    if found.states:
        origin["states"] = (
            "the names of the inputs and outputs in the model's signature; they begin with zeros: assumed"
        )
    names, offset = without_background(*_labels_of_columns(file, path, given), shape[1], origin)
    output = Output(SCORES, text_of(tensor.name), found.output, shape, dtype, _quantization(tensor))
    task = Classification(SCORING.get(name, "SOFTMAX"), "model" if name in SCORING else "host", offset)
    first = image if found.frames is None else ClipInput(image, found.frames)
    return Contract((first, *found.states), (output,), names, task, origin, found.input_order)


def _quantization(tensor: Any) -> Quantization | None:
    return None if dtype_name(tensor) == "float32" else quantization_of(tensor)


def _one_image(subgraph: Any) -> Any:
    return subgraph.tensors[one_input_of(subgraph)]


def image_of_file(model: Any, tensor: Any, origin: dict[str, str], *, is_video: bool = False) -> ImageInput:
    """Return how an image becomes the input *tensor*, as far as the file says it; *origin* is told what is assumed.

    Raises:
        InputError: it takes no image.
    """
    shape, dtype = shape_of(tensor), dtype_name(tensor)
    if is_video and len(shape) == CLIP_SIDES:
        shape = (shape[0], *shape[2:])
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or dtype not in ("float32", "uint8", "int8"):
        raise InputError(f"the model's input is {dtype} {shape}; want an image [1, height, width, 3]")
    quantization = None if dtype == "float32" else quantization_of(tensor) or Quantization(1.0, 0)
    means, stds, said = _normalization(model, dtype, quantization, is_video=is_video)
    origin["image"] = f"{said}; resize rule: assumed, that of the OD API (tf1_bilinear)"
    return ImageInput(
        name=text_of(tensor.name),
        height=shape[1],
        width=shape[2],
        colour="RGB" if shape[3] == 3 else "GRAY",
        dtype=dtype,
        mean=means * shape[3] if len(means) == 1 else means,
        std=stds * shape[3] if len(stds) == 1 else stds,
        resize="tf1_bilinear",
        quantization=quantization,
    )


def _normalization(
    model: Any, dtype: str, quantization: Quantization | None, *, is_video: bool
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    if quantization is not None:
        # a quantized input takes the pixel itself: real = scale * (pixel - zero - zero_point)
        zero = quantization.zero_point + (INT8_ZERO if dtype == "int8" else UINT8_ZERO)
        return (float(zero),), (1.0 / quantization.scale,), f"{dtype} input: it takes pixels as they are"
    found = normalization_of(model)
    if found is not None:
        return (*found, "the model's TFLite metadata")
    if is_video:
        return (
            (0.0,),
            (255.0,),
            "assumed: [0, 1], as TF-Vision's models of video have it, for the model has no metadata",
        )
    return (127.5,), (127.5,), "assumed: [-1, 1], as SSDs of the OD API have it, for the model has no metadata"


def _labels(file: TfliteFile, path: Path, given: Path | None, classes: int, origin: dict[str, str]) -> tuple[str, ...]:
    if given is not None:
        origin["labels"] = given.name
        return _fitting(read_labels(given), classes, str(given))
    if (packed := packed_labels(file)) is not None:
        origin["labels"] = f"{packed[0]} in the model's metadata"
        return _fitting(packed[1], classes, packed[0])
    for name in LABEL_FILES:
        beside = path.parent / name
        if beside.is_file():
            origin["labels"] = f"{name} beside the model"
            return _fitting(read_labels(beside), classes, str(beside))
    origin["labels"] = f"numbers: the model brings no labels, and there is no {LABEL_FILES[0]} beside it"
    return numbered_labels(classes)


def _fitting(labels: tuple[str, ...], classes: int, name: str) -> tuple[str, ...]:
    """Return *labels* for *classes*: without a leading background, and with missing ones at the end filled up."""
    if len(labels) == classes + 1 and labels[0].lower() in BACKGROUNDS:
        labels = labels[1:]
    if len(labels) > classes:
        raise InputError(
            f"{name} has {counted(len(labels), 'label')} and the model {counted(classes, 'class')}: give one for each"
        )
    return labels + (GAP,) * (classes - len(labels))


def packed_labels(file: TfliteFile) -> tuple[str, tuple[str, ...]] | None:
    """Return the name and the labels of the label file in the model's appended zip; None if it has none."""
    for name, content in file.appended.items():
        if name.endswith(".txt"):
            lines = content.decode("utf-8", errors="replace").splitlines()
            return name, tuple(line.strip() or GAP for line in lines)
    return None
