"""Suppression class by class: TFLite needs an operator for each class, and ONNX has one for all of them.

The boxes and scores of all classes are unpacked, each class is suppressed, and what is kept is packed again. Such a
group of operators becomes one NonMaxSuppression: with the classes as its batch, because boxes belong to a batch; or as
its classes, where all of them share the boxes. Its rows are sorted by batch and by class, in either form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detlite.convert.onnx.operators.writer import Writer
from detlite.convert.onnx.translation import TfliteOperator, Translation

KIND = "NON_MAX_SUPPRESSION_V4"
BATCH, CLASS, BOX = 0, 1, 2
"""The columns of NonMaxSuppression's rows."""

Part = tuple[int, int]
"""The number of an UNPACK among the operators, and of one of its outputs."""


@dataclass(frozen=True)
class _Group:
    """Operators that suppress all classes.

    Attributes:
        members: their numbers among the operators, in the order of the classes.
        boxes: float [K, P, 4] of each class, or [1, P, 4] of all.
        scores: float [K, P].
        rows: int32 [K, each], which the group computes.
        counts: int32 [K], likewise.
        settings: the three other inputs of the operators.
    """

    members: tuple[int, ...]
    boxes: int
    scores: int
    rows: int
    counts: int
    settings: tuple[int, ...]


def by_class(t: Translation) -> Mapping[int, Writer]:
    """Return the writers of the operators of *t* that suppress class by class, by the operators' numbers."""
    writers: dict[int, Writer] = {}
    for group in _groups(t):
        writers |= dict.fromkeys(group.members, _nothing)
        writers[min(group.members)] = lambda t, _operator, group=group: _suppress(t, group)  # type: ignore[misc]
        writers |= dict.fromkeys((_maker(t, group.rows), _maker(t, group.counts)), _nothing)
    return writers


def _nothing(_t: Translation, _operator: TfliteOperator) -> None:
    """Write nothing: the first operator of the group has written all."""


def _groups(t: Translation) -> Iterator[_Group]:
    parts = {
        output: (number, place)
        for number, operator in enumerate(t.operators)
        if operator.kind == "UNPACK" and not operator.option("axis")
        for place, output in enumerate(operator.outputs)
    }
    alike: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for number, operator in enumerate(t.operators):
        if operator.kind == KIND and {operator.inputs[0], operator.inputs[1]} <= parts.keys():
            settings = [float(t.stored(index).ravel()[0]) for index in operator.inputs[2:]]
            boxes, scores = (parts[index][0] for index in operator.inputs[:2])
            alike[(boxes, scores, *settings)].append(number)
    for members in alike.values():
        group = _group(t, parts, members)
        if group is not None:
            yield group


def _group(t: Translation, parts: Mapping[int, Part], members: Sequence[int]) -> _Group | None:
    """Return the group of *members*, which read the same UNPACKs; None if classes are missing, or others use them."""
    members = sorted(members, key=lambda number: parts[t.operators[number].inputs[1]])  # a file has them in any order
    found = [t.operators[number] for number in members]
    boxes, scores = ([parts[operator.inputs[place]] for operator in found] for place in (0, 1))
    unpacked_boxes, unpacked_scores = (t.operators[places[0][0]] for places in (boxes, scores))
    classes = range(len(unpacked_scores.outputs))
    given = [place for _number, place in boxes]
    in_order = [place for _number, place in scores] == list(classes)
    if not in_order or given != ([0] * len(found) if len(unpacked_boxes.outputs) == 1 else list(classes)):
        return None
    rows, counts = (_packed(t, [operator.outputs[place] for operator in found]) for place in (0, 1))
    if rows is None or counts is None:
        return None
    return _Group(
        tuple(members), unpacked_boxes.inputs[0], unpacked_scores.inputs[0], rows, counts, tuple(found[0].inputs[2:])
    )


def _packed(t: Translation, wanted: Sequence[int]) -> int | None:
    """Return the tensor that packs the tensors *wanted* along the first axis, and is all that reads them."""
    readers = {number for number, operator in enumerate(t.operators) if set(operator.inputs) & set(wanted)}
    if len(readers) != 1:
        return None
    (only,) = (t.operators[number] for number in readers)
    is_pack = only.kind == "PACK" and not only.option("axis") and only.inputs == tuple(wanted)
    return only.outputs[0] if is_pack else None


def _maker(t: Translation, tensor: int) -> int:
    return next(number for number, operator in enumerate(t.operators) if tensor in operator.outputs)


def _suppress(t: Translation, group: _Group) -> None:
    """Write the suppression of all classes, its rows filled up with zeros, and how many there are in each."""
    graph, name = t.graph, t.name(group.rows)
    classes, each = t.shape(group.rows)
    most, iou_threshold, score_threshold = (t.stored(index).ravel()[0] for index in group.settings)
    is_shared = t.shape(group.boxes)[0] != classes
    scores = graph.over_axes("Unsqueeze", t.value(group.scores), [0 if is_shared else 1], f"{name}_scores")
    limits = [
        graph.integers(f"{name}_most", [int(most)]),
        graph.constant(f"{name}_iou", np.array([iou_threshold], np.float32)),
        graph.constant(f"{name}_score", np.array([score_threshold], np.float32)),
    ]
    found = graph.node("NonMaxSuppression", [t.value(group.boxes), scores, *limits], f"{name}_found")
    column = {number: graph.constant(f"column_{number}", np.int64(number)) for number in (BATCH, CLASS, BOX)}
    of_class = graph.node("Gather", [found, column[CLASS if is_shared else BATCH]], f"{name}_classes", axis=1)
    kept = graph.node("Gather", [found, column[BOX]], f"{name}_kept", axis=1)
    first, count = _places(t, of_class, classes, name)
    steps = graph.constant(f"{name}_steps", np.arange(each, dtype=np.int64)[None])
    padded = graph.node("Concat", [kept, graph.constant(f"{name}_none", np.zeros(each, np.int64))], name, axis=0)
    rows = graph.node("Gather", [padded, graph.node("Add", [first, steps], f"{name}_places")], f"{name}_all", axis=0)
    is_kept = graph.cast(graph.node("Less", [steps, count], f"{name}_is_kept"), "int64", f"{name}_kept_number")
    t.put(group.rows, graph.cast(graph.node("Mul", [rows, is_kept], f"{name}_fixed"), "int32", name))
    flat = graph.node("Reshape", [count, graph.integers("flat", [-1])], f"{name}_counts")
    t.put(group.counts, graph.cast(flat, "int32", t.name(group.counts)))


def _places(t: Translation, of_class: str, classes: int, name: str) -> tuple[str, str]:
    """Return where the rows of each class begin, int64 [K, 1], and how many there are, if *of_class* is sorted."""
    graph = t.graph
    numbers = graph.constant(f"{name}_numbers", np.arange(classes + 1, dtype=np.int64)[:, None])
    before = graph.cast(graph.node("Less", [of_class, numbers], f"{name}_is_before"), "int64", f"{name}_before")
    begins = graph.over_axes("ReduceSum", before, [1], f"{name}_begins", keepdims=1)
    ends = [graph.integers(f"{name}_{end}", [end]) for end in (0, 1, classes, classes + 1)]
    axis = graph.integers("first_axis", [0])  # without it, starts would have to have one for each axis
    first = graph.node("Slice", [begins, ends[0], ends[2], axis], f"{name}_first")
    after = graph.node("Slice", [begins, ends[1], ends[3], axis], f"{name}_after")
    return first, graph.node("Sub", [after, first], f"{name}_count")
