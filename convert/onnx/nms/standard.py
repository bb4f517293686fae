"""Fast and regular NMS of ONNX's own operators, with the detections of TFLite's op, bit for bit, and CenterNet's peaks.

ONNX's NonMaxSuppression keeps scores over its threshold, and the op those of at least the threshold: the file has the
number just below. Shapes are static: rows that no detection fills are appended before the best are taken. For TensorRT,
which has no float64, boxes are decoded in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detlite.convert.model import Model
from detlite.convert.onnx.graph import OnnxGraph, OnnxTensor
from detlite.convert.onnx.nms_variant import NmsVariant, closed, opened
from detlite.convert.onnx.options import TENSORRT, OnnxOptions
from detlite.convert.onnx.peaks import peak_rows
from detlite.convert.onnx.scores_and_boxes import NO_SCORE, KeptRows, below, boxes_of, scores_of, top
from detlite.runtime.boxes.nms import Nms
from detlite.runtime.tasks.detection import detection_of


class Candidates(NamedTuple):
    """What is suppressed: boxes (1, n, 4), scores (1, n, classes), and how many of each there are."""

    boxes: str
    scores: str
    anchors: int
    classes: int


def attach(model: Model, options: OnnxOptions) -> Model:
    """Return *model* with NMS of standard operators after it; errors as `opened`."""
    graph = opened(model)
    task, classes = detection_of(model.contract), len(model.contract.labels)
    nms = replace(task.nms, max_classes_per_detection=min(task.nms.max_classes_per_detection, classes))
    boxes = boxes_of(graph, model.contract, is_double=options.target != TENSORRT)
    scores, batch = scores_of(graph, model.contract), model.contract.image.batch
    found = [
        _found(graph, Candidates(own_boxes, own_scores, len(task.anchors), classes), nms)
        for own_boxes, own_scores in zip(_images(graph, boxes, batch), _images(graph, scores, batch), strict=True)
    ]
    rows = nms.max_detections * (nms.max_classes_per_detection if nms.kind == "fast" else 1)
    shapes = {"boxes": (rows, 4), "classes": (rows,), "scores": (rows,), "count": ()}
    ends = [
        (
            role,
            _joined(graph, [one[role] for one in found], shapes[role], role),
            OnnxTensor(name, "float32", (batch, *shapes[role])),
        )
        for role, name in NAMES.items()
    ]
    return closed(model, graph, ends, nms)


def _images(graph: OnnxGraph, x: str, batch: int) -> tuple[str, ...]:
    """Return the part of *x* of each image of a *batch*: suppression has a number of rows of its own for each."""
    return (x,) if batch == 1 else graph.split(x, [1] * batch, 0, x)


def _joined(graph: OnnxGraph, parts: list[str], shape: tuple[int, ...], role: str) -> str:
    shaped = [_flat(graph, part, (1, *shape), f"{role}_shaped") for part in parts]
    return shaped[0] if len(shaped) == 1 else graph.node("Concat", shaped, f"{role}_of_all", axis=0)


def _found(graph: OnnxGraph, given: Candidates, nms: Nms) -> dict[str, str]:
    """Add the suppression in one image, and return the detections' values by role."""
    found = KINDS[nms.kind](graph, given, nms)
    box_rows = _flat(graph, given.boxes, (given.anchors, 4), "box_rows")
    with_none = _with_row(graph, box_rows, np.zeros((1, 4), np.float32))
    return {
        "boxes": graph.node("Gather", [with_none, found.places], "kept_boxes", axis=0),
        "classes": graph.cast(found.classes, "float32", "kept_classes"),
        "scores": graph.node("Max", [found.scores, graph.constant("no_score", np.float32(0))], "kept_scores"),
        "count": _count(graph, found.counted, given.anchors),
    }


NAMES = {
    "boxes": "detection_boxes",
    "classes": "detection_classes",
    "scores": "detection_scores",
    "count": "num_detections",
}
"""The names of the outputs by role, in the op's order, as the OD API's exporter calls them."""


def _fast(graph: OnnxGraph, given: Candidates, nms: Nms) -> KeptRows:
    best = graph.over_axes("ReduceMax", given.scores, [2], "best_scores", keepdims=0)
    best = graph.over_axes("Unsqueeze", best, [1], "best_score_row")
    places = _column(graph, _selection(graph, [given.boxes, best], nms.max_detections, nms), 2)
    none = graph.constant("no_box", np.full(nms.max_detections, given.anchors, np.int64))
    places = graph.node("Concat", [places, none], "with_empty", axis=0)
    limits = [graph.integers(name, [value]) for name, value in (("start", 0), ("end", nms.max_detections), ("axis", 0))]
    places = graph.node("Slice", [places, *limits], "kept_places")
    rows = _flat(graph, given.scores, (given.anchors, given.classes), "score_rows")
    rows = _with_row(graph, rows, np.full((1, given.classes), NO_SCORE))
    rows = graph.node("Gather", [rows, places], "kept_rows", axis=0)
    count = nms.max_classes_per_detection
    if count == 1:
        classes = graph.node("ArgMax", [rows], "best_class", axis=1, keepdims=0)
        return KeptRows(places, classes, graph.over_axes("ReduceMax", rows, [1], "best", keepdims=0), places)
    scores, classes = top(graph, rows, count, 1)
    column = _flat(graph, places, (nms.max_detections, 1), "place_column")
    repeated = graph.node("Tile", [column, graph.integers("repeats", [1, count])], "repeated_places")
    flat = [_flat(graph, value, (-1,), "flat") for value in (repeated, classes, scores)]
    return KeptRows(flat[0], _of_none(graph, flat[1], flat[2]), flat[2], places)


def _of_none(graph: OnnxGraph, classes: str, scores: str) -> str:
    """Return *classes*, 0 in the rows that no detection fills."""
    is_there = graph.node("Greater", [scores, graph.constant("no_score", NO_SCORE)], "is_detection")
    return graph.node("Mul", [classes, graph.cast(is_there, "int64", "is_detection_number")], "classes")


def _regular(graph: OnnxGraph, given: Candidates, nms: Nms) -> KeptRows:
    by_class = graph.transpose(given.scores, (0, 2, 1), "scores_by_class")
    per_class = min(nms.detections_per_class, nms.max_detections)
    selected = _selection(graph, [given.boxes, by_class], per_class, nms)
    width = graph.constant("classes", np.int64(given.classes))
    classes, places = (_column(graph, selected, number) for number in (1, 2))
    flat = graph.node("Add", [graph.node("Mul", [places, width], "rows_before"), classes], "flat_places")
    scores = graph.node("Gather", [_flat(graph, given.scores, (-1,), "all_scores"), flat], "found_scores", axis=0)
    count = nms.max_detections
    none = graph.constant("no_place", np.full(count, given.anchors * given.classes, np.int64))
    flat = graph.node("Concat", [flat, none], "places_with_empty", axis=0)
    empty = graph.constant("no_scores", np.full(count, NO_SCORE))
    best, order = top(graph, graph.node("Concat", [scores, empty], "scores_with_empty", axis=0), count, 0)
    kept = graph.node("Gather", [flat, order], "kept_flat", axis=0)
    places = graph.node("Div", [kept, width], "kept_places")
    return KeptRows(places, graph.node("Mod", [kept, width], "kept_class_numbers"), best, places)


def _peaks(graph: OnnxGraph, given: Candidates, nms: Nms) -> KeptRows:
    return peak_rows(graph, given.scores, given.classes, nms)


KINDS: dict[str, Callable[[OnnxGraph, Candidates, Nms], KeptRows]] = {
    "fast": _fast,
    "regular": _regular,
    "peaks": _peaks,
}
"""How detections are found, by the kind of the contract's NMS."""


def _selection(graph: OnnxGraph, given: list[str], count: int, nms: Nms) -> str:
    """Add the suppression of boxes by scores (1, classes, n), and return rows of batch, class and box."""
    settings = [
        graph.integers("most_per_class", [count]),
        graph.constant("iou_threshold", np.array([nms.iou_threshold], np.float32)),
        graph.constant("score_threshold", np.array([below(nms.score_threshold)], np.float32)),
    ]
    return graph.node("NonMaxSuppression", [*given, *settings], "selected")


def _column(graph: OnnxGraph, rows: str, number: int) -> str:
    return graph.node("Gather", [rows, graph.constant(f"column_{number}", np.int64(number))], f"column{number}", axis=1)


def _with_row(graph: OnnxGraph, rows: str, row: NDArray[np.float32]) -> str:
    return graph.node("Concat", [rows, graph.constant("empty_row", row)], "rows_with_empty", axis=0)


def _flat(graph: OnnxGraph, x: str, shape: tuple[int, ...], name: str) -> str:
    return graph.node("Reshape", [x, graph.integers(f"{name}_shape", shape)], name)


def _count(graph: OnnxGraph, places: str, anchors: int) -> str:
    """Return how many of *places* are those of a box; empty rows have the place after the last."""
    is_box = graph.node("Less", [places, graph.constant("anchors", np.int64(anchors))], "is_box")
    return graph.over_axes("ReduceSum", graph.cast(is_box, "float32", "is_box_number"), [0], "count", keepdims=1)


PLUGIN = NmsVariant(title="ONNX's own operators, with the detections of TFLite's op", attach=attach)
