"""The raw heads of an SSD in a finished .tflite that does not say how they are used: found, joined and put in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.convert.options import STATED_OPTIONS, DetectorOptions, StatedFacts
from detlite.convert.raw_heads import (
    ORDERS,
    RESIZE,
    RESIZED,
    ClassScores,
    class_count,
    raw_contract,
    stated_converter,
    stated_decoder,
    stated_image,
)
from detlite.convert.sidecar_files import Hints, NamedLabels, read_hints
from detlite.convert.tflite.contract import image_of_file, packed_labels
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.heads import name_heads, refreshed
from detlite.convert.tflite.metadata import normalization_of
from detlite.convert.tflite.one_output import SCORING, find_one_output, last_operator
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.postprocess import drop_metadata, find_postprocess
from detlite.convert.tflite.prune import drop_unused, operators_for
from detlite.convert.tflite.signature import outputs_said, signed_outputs
from detlite.convert.tflite.stream import find_stream
from detlite.convert.tflite.tensors import (
    EDGETPU,
    dtype_name,
    name_of,
    one_input_of,
    operator_name,
    shape_of,
)
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError
from detlite.runtime.inputs import ImageInput
from detlite.runtime.tasks.detection import RAW_ROLES
from detlite.runtime.tensors import DTYPES

BOX = 4
NAMING = "--heads boxes=NAME,scores=NAME"
LEVELS = "--heads boxes=NAME+NAME,scores=NAME+NAME, level by level in the order of the anchors"
ADVICE = f"name the box encodings and the class scores: {NAMING}, or of several levels {LEVELS}"


@dataclass(frozen=True)
class _Heads:
    """The tensors of the heads by index, one for each level, and what is in them.

    Attributes:
        boxes, scores: one for each level.
        anchors: the anchors of all levels.
        numbers: those of a box: 4, or more where keypoints follow.
        columns: the class columns.
    """

    boxes: tuple[int, ...]
    scores: tuple[int, ...]
    anchors: int
    numbers: int
    columns: int


def stated_detector(file: TfliteFile, path: Path, options: DetectorOptions) -> Contract:
    """Make the heads of *file* the canonical raw heads, in place, and return their contract as *options* state it.

    Labels and a config are searched beside *path*.

    Raises:
        InputError: the file says itself how it is used, has no such heads, or something is neither in it nor stated.
    """
    model, subgraph = file.model, file.subgraph
    _refuse_others(model, subgraph, path)
    heads = _find(model, subgraph, options.stated, path)
    scores, hints = _scores(model, subgraph, heads, options.stated, path), _hints(file, path)
    origin: dict[str, str] = {}
    image = image_of_file(model, subgraph.tensors[one_input_of(subgraph)], origin)
    asked = [
        *_asked_of_image(model, image, options.stated),
        *_asked_of_heads(heads, scores, options.stated),
        *_asked_of_labels(heads, scores, class_count(hints, options.labels)),
    ]
    if asked or scores is None:
        raise InputError(
            f"{path} ({outputs_said(model)}) does not say how it is used; for {heads.anchors} boxes of "
            f"{heads.columns} class columns give {'; '.join(asked)}"
        )
    decoder = stated_decoder(options.stated, heads.anchors, str(path))
    image = replace(stated_image(options.stated, image), resize=RESIZE)
    contract = raw_contract(image, scores, decoder, hints, options)
    _make_canonical(file, heads, decoder.order)
    said = {"weights": f"the constants of {path.name}", "image": _origin_of_image(origin, options.stated)}
    if heads.numbers > BOX:
        said["boxes"] = f"the first {BOX} of {heads.numbers} numbers; the rest, such as keypoints, is left out"
    return refreshed(replace(contract, origin={**said, **contract.origin}), file)


def _asked_of_image(model: Any, image: ImageInput, facts: StatedFacts) -> list[str]:
    if facts.mean is not None or image.dtype != "float32" or normalization_of(model) is not None:
        return []
    return ["--mean and --std (the input is (pixel - mean) / std: 127.5 and 127.5 for -1..1)"]


def _asked_of_heads(heads: _Heads, scores: ClassScores | None, facts: StatedFacts) -> list[str]:
    asked = []
    if facts.anchors is None or facts.box_order is None:
        shape = f"{heads.anchors}, {BOX}"
        asked.append(f"--anchors FILE.npy ({shape}: y centre, x centre, height, width), --box-order yxhw or xywh")
    if scores is None:
        asked.append("--score-converter sigmoid or softmax, or none if they are scores already")
    return asked


def _asked_of_labels(heads: _Heads, scores: ClassScores | None, classes: int | None) -> list[str]:
    """Return the request for labels: without a softmax, only they say whether the first column is the background."""
    if classes is not None or (scores is not None and scores.converter == "SOFTMAX"):
        return []
    return [f"--labels with {heads.columns} names, or one less if the first column is the background"]


def _refuse_others(model: Any, subgraph: Any, path: Path) -> None:
    """Refuse a model that says itself how it is used, or whose heads are not to be reached."""
    own = None
    if find_postprocess(model) is not None:
        own = "has its post-processing op"
    elif find_one_output(model, subgraph) is not None:
        own = "has the one output of a classifier or a segmenter"
    elif find_stream(model, subgraph) is not None:
        own = "is a stream"
    elif any(operator_name(model, operator) == EDGETPU for operator in subgraph.operators):
        own = "is compiled for the Edge TPU: give its CPU model"
    if own is not None:
        raise InputError(
            f"{path} {own}; {STATED_OPTIONS} are for .onnx files and for .tflite files with raw heads and no contract"
        )


def _find(model: Any, subgraph: Any, facts: StatedFacts, path: Path) -> _Heads:
    """Return the heads that are named, or the only two outputs that are such heads."""
    if facts.heads is not None:
        boxes, scores = (_named(model, subgraph, text, path) for text in facts.heads)
        return _of_levels(subgraph, boxes, scores, path)
    outputs = [int(index) for index in subgraph.outputs]
    shapes = [shape_of(subgraph.tensors[index]) for index in outputs]
    of_boxes = [index for index in outputs if shape_of(subgraph.tensors[index])[-1:] == (BOX,)]
    if len(outputs) == len(RAW_ROLES) and len(of_boxes) == 1:
        boxes = (of_boxes[0],)
        return _of_levels(subgraph, boxes, tuple(index for index in outputs if index not in boxes), path)
    if len(outputs) == len(RAW_ROLES) and not of_boxes and all(len(shape) == 3 for shape in shapes):
        raise InputError(
            f"{path} has no output with {BOX} numbers for a box: {outputs_said(model)}; if one has keypoints after "
            f"them, as BlazeFace's, name it: {NAMING}, with --box-sizes linear and the rest of the facts"
        )
    raise InputError(
        f"{path}: cannot tell box encodings, [1, N, {BOX}], and class scores, [1, N, C], among its outputs "
        f"{outputs_said(model)}; {ADVICE}"
    )


def _named(model: Any, subgraph: Any, text: str, path: Path) -> tuple[int, ...]:
    """Return the tensors that *text* names: of outputs also by their names in the signature."""
    made = [int(index) for operator in subgraph.operators for index in operator.outputs]
    known = {name_of(subgraph.tensors[index]): index for index in made}
    known |= {name_of(subgraph.tensors[index]): int(index) for index in subgraph.outputs} | signed_outputs(model)
    parts = [text] if text in known else text.split("+")
    missing = [part for part in parts if part not in known]
    if missing:
        raise InputError(
            f"{path}: no operator makes {missing[0]}, which --heads names; its outputs are {outputs_said(model)}"
        )
    if len(set(parts)) < len(parts):
        raise InputError(f"{path}: --heads names a tensor twice in {text}")
    return tuple(known[part] for part in parts)


def _of_levels(subgraph: Any, boxes: Sequence[int], scores: Sequence[int], path: Path) -> _Heads:
    if len(boxes) != len(scores) or set(boxes) & set(scores):
        raise InputError(
            f"{path}: --heads names {len(boxes)} for boxes and {len(scores)} for scores; want one of each for a level"
        )
    found = [_level(subgraph, *pair, path) for pair in zip(boxes, scores, strict=True)]
    if len({(numbers, columns) for _anchors, numbers, columns in found}) != 1:
        said = ", ".join(f"{numbers} and {columns}" for _anchors, numbers, columns in found)
        raise InputError(f"{path}: its levels have {said} numbers for boxes and classes; want the same in all")
    _anchors, numbers, columns = found[0]
    return _Heads(tuple(boxes), tuple(scores), sum(anchors for anchors, _n, _c in found), numbers, columns)


def _level(subgraph: Any, boxes: int, scores: int, path: Path) -> tuple[int, int, int]:
    """Return the anchors of one level, the numbers for each box and its class columns; refuse other shapes.

    They are [1, N, 4] and [1, N, C], with more than 4 numbers where keypoints follow, or maps [1, height, width, A * 4]
    and [1, height, width, A * C] whose channels are those of the first anchor of a cell, then those of the next.
    """
    shape, other = shape_of(subgraph.tensors[boxes]), shape_of(subgraph.tensors[scores])
    said = f"{path}: {name_of(subgraph.tensors[boxes])} {shape} and {name_of(subgraph.tensors[scores])} {other}"
    dtypes = {dtype_name(subgraph.tensors[index]) for index in (boxes, scores)}
    if not dtypes <= set(DTYPES):
        raise InputError(f"{said} are {' and '.join(sorted(dtypes))}; want {', '.join(DTYPES)}")
    if found := _counts(shape, other):
        return found
    raise InputError(
        f"{said} are no box encodings and class scores: want [1, N, {BOX}] and [1, N, C], or maps "
        f"[1, height, width, A * {BOX}] and [1, height, width, A * C]; {ADVICE}"
    )


def _counts(boxes: tuple[int, ...], scores: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return the counts of `_level` by the shapes; None for other shapes."""
    if not {len(boxes), len(scores)} <= {3, 4} or boxes[0] != 1 or scores[0] != 1 or min(*boxes, *scores) < 1:
        return None
    if len(boxes) == len(scores) == 3:
        fits = boxes[1] == scores[1] and boxes[2] >= BOX
        return (boxes[1], boxes[2], scores[2]) if fits else None
    anchors, size = math.prod(boxes) // BOX, math.prod(scores)
    in_cell = boxes[-1] // BOX if len(boxes) == 4 else 1
    columns = size // anchors
    fits = boxes[-1] == in_cell * BOX and size == anchors * columns and scores[-1] == in_cell * columns
    fits = fits and (in_cell == 1 or boxes[:-1] == scores[:-1])
    return (anchors, BOX, columns) if fits and columns else None


def _origin_of_image(origin: dict[str, str], facts: StatedFacts) -> str:
    said = origin["image"].split(";")[0] if facts.mean is None else "--mean and --std"
    colour = "" if facts.colour is None else ", --colour"
    return f"{said}{colour}; {RESIZED}"


def _hints(file: TfliteFile, path: Path) -> Hints:
    packed = packed_labels(file)
    if packed is None:
        return read_hints(path.parent)
    return replace(read_hints(path.parent), packed=NamedLabels(packed[1], f"{packed[0]} in the model", packed[0]))


def _scores(model: Any, subgraph: Any, heads: _Heads, facts: StatedFacts, path: Path) -> ClassScores | None:
    """Return what the class scores are: made by the operator that they end with, or as stated; None if neither."""
    lasts = [last_operator(model, subgraph, index) for index in heads.scores]
    names = {None if last is None else SCORING.get(operator_name(model, last)) for last in lasts}
    found = stated_converter(facts, names.pop() if len(names) == 1 else None, f"the class scores of {path}")
    return None if found is None else replace(found, columns=heads.columns)


def _make_canonical(file: TfliteFile, heads: _Heads, order: tuple[int, ...]) -> None:
    model = file.edit()
    subgraph = file.subgraph
    drop_metadata(model)
    _drop_after(subgraph, heads)
    edit = Edit(model, subgraph)
    boxes = _joined(edit, subgraph, heads.boxes, heads.numbers)
    if heads.numbers > BOX or order != ORDERS["yxhw"]:
        boxes = edit.gathered(boxes, order)
    scores = _joined(edit, subgraph, heads.scores, heads.columns)
    name_heads(model, dict(zip(RAW_ROLES, (boxes, scores), strict=True)))
    drop_unused(model)


def _drop_after(subgraph: Any, heads: _Heads) -> None:
    """Drop the operators and outputs that the heads do not need."""
    subgraph.outputs = [*heads.boxes, *heads.scores]
    subgraph.operators = operators_for(subgraph, subgraph.outputs)


def _joined(edit: Edit, subgraph: Any, parts: Sequence[int], columns: int) -> int:
    """Return the tensor [1, N, columns] of the levels *parts*; several of them in float32, for each has its scale."""
    if len(parts) > 1:
        parts = [edit.as_float(index) for index in parts]
    rows = [_rows(edit, subgraph, index, columns) for index in parts]
    return rows[0] if len(rows) == 1 else edit.concatenated(rows)


def _rows(edit: Edit, subgraph: Any, index: int, columns: int) -> int:
    """Return the tensor [1, n, columns] with the numbers of the tensor *index*, in their order."""
    tensor = subgraph.tensors[index]
    wanted = (1, math.prod(shape_of(tensor)) // columns, columns)
    return index if shape_of(tensor) == wanted else edit.reshaped(index, wanted)
