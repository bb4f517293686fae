"""What goes into non-maximum suppression in an ONNX graph, boxes and scores from the raw heads, and what comes out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detlite.convert.onnx.graph import OnnxGraph
from detlite.runtime.contract import Contract
from detlite.runtime.tasks.detection import RAW_ROLES, detection_of

ENCODINGS, SCORES = RAW_ROLES
LAST = 2
"""The axis of a box's coordinates and of the classes."""


NO_SCORE = np.float32(-1)
"""The score of rows that no detection fills, below every real score."""


class KeptRows(NamedTuple):
    """What is kept, as values of the graph.

    Attributes:
        places: of each row, which of all boxes it has; the number after the last in an empty row.
        classes: int64.
        scores: float32; `NO_SCORE` in an empty row.
        counted: the places of the boxes that the count counts.
    """

    places: str
    classes: str
    scores: str
    counted: str


def boxes_of(graph: OnnxGraph, contract: Contract, *, is_double: bool) -> str:
    """Add the decoding of the raw boxes as `runtime.boxes.coding.decode` does it, and return (1, n, 4) corners.

    With *is_double*, centres and half sizes are computed in float64, as TFLite's op does; else all in float32.
    """
    task = detection_of(contract)
    coder, kind = task.box_coder, np.float64 if is_double else np.float32
    anchors = task.anchors.astype(kind)[None]
    sizes = graph.constant("anchor_sizes", anchors[..., 2:])
    encodings = graph.cast(ENCODINGS, "float64", "encodings") if is_double else ENCODINGS
    scales = [
        graph.constant(name, np.array(pair, kind))
        for name, pair in (("yx_scales", (coder.y, coder.x)), ("hw_scales", (coder.height, coder.width)))
    ]
    shifts, extents = (cut(graph, encodings, start, start + 2, "encodings_part") for start in (0, 2))
    centre = graph.node("Mul", [graph.node("Div", [shifts, scales[0]], "shifts"), sizes], "moved")
    centre = graph.node("Add", [centre, graph.constant("anchor_centres", anchors[..., :2])], "centres")
    growth = graph.node("Div", [extents, scales[1]], "extents")
    if coder.coding == "faster_rcnn":
        growth = graph.node("Exp", [growth], "growth")
    else:  # sizes in anchors, as CenterNet has them
        growth = graph.node("Max", [growth, graph.constant("no_size", np.array(0, kind))], "growth")
    half = graph.node("Mul", [growth, graph.constant("half", np.array(0.5, kind))], "half_growth")
    half = graph.node("Mul", [half, sizes], "half_sizes")
    if is_double:
        centre, half = (graph.cast(value, "float32", name) for value, name in ((centre, "centre"), (half, "half_size")))
    corners = [graph.node(operator, [centre, half], name) for operator, name in (("Sub", "near"), ("Add", "far"))]
    boxes = graph.node("Concat", corners, "boxes", axis=LAST)
    if task.nms.clip:
        bounds = [graph.constant(f"{end}_bound", np.float32(end)) for end in (0, 1)]
        boxes = graph.node("Clip", [boxes, *bounds], "clipped_boxes")
    return boxes


def scores_of(graph: OnnxGraph, contract: Contract) -> str:
    """Add what makes scores of the raw head, and return (1, n, classes), without the background."""
    task = detection_of(contract)
    scores = SCORES
    if task.score_converter_place == "host" and task.score_converter != "IDENTITY":
        if task.score_converter == "SIGMOID":
            scores = graph.node("Sigmoid", [scores], "converted_scores")
        else:
            scores = graph.node("Softmax", [scores], "converted_scores", axis=LAST)
    if not task.label_offset:
        return scores
    return cut(graph, scores, task.label_offset, task.label_offset + len(contract.labels), "scores")


def below(score_threshold: float) -> np.float32:
    """Return the number that a score is over where it is at least the threshold, for operators that ask for over."""
    threshold = np.float32(score_threshold)
    return np.nextafter(threshold, np.float32(-1)) if threshold > 0 else NO_SCORE


def top(graph: OnnxGraph, x: str, count: int, axis: int) -> tuple[str, str]:
    """Add a TopK, best first, equal values in their order, and return the values and their places."""
    names = ["best_values", "best_places"]
    values, places = graph.split_node(
        "TopK", [x, graph.integers("count", [count])], names, axis=axis, largest=1, sorted=1
    )
    return values, places


def cut(graph: OnnxGraph, x: str, start: int, end: int, name: str) -> str:
    """Add a Slice of the last of three axes, and return its output."""
    limits = [graph.integers("start", [start]), graph.integers("end", [end]), graph.integers("axis", [LAST])]
    return graph.node("Slice", [x, *limits], name)
