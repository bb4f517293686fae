"""Operators of two-stage detectors alone: suppression with a fixed number of boxes, the best rows, and comparisons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.convert.onnx.operators.writer import Writer
from detlite.convert.onnx.translation import NHWC, TfliteOperator, Translation

BOX_OF_ROW = 2
"""NonMaxSuppression's rows are (batch, class, box)."""


def _suppress(t: Translation, operator: TfliteOperator) -> None:
    """Write NON_MAX_SUPPRESSION_V4: ONNX's operator returns the rows that it keeps, TFLite's a fixed number."""
    boxes, scores, *settings = operator.inputs
    most, iou_threshold, score_threshold = (t.stored(index).ravel()[0] for index in settings)
    chosen, count = operator.outputs
    name, graph = t.name(chosen), t.graph
    batched = graph.over_axes("Unsqueeze", t.value(boxes), [0], f"{name}_boxes")
    by_class = graph.over_axes("Unsqueeze", t.value(scores), [0, 1], f"{name}_scores")
    limits = [
        graph.integers(f"{name}_most", [int(most)]),
        graph.constant(f"{name}_iou", np.array([iou_threshold], np.float32)),
        graph.constant(f"{name}_score", np.array([score_threshold], np.float32)),
    ]
    rows = graph.node("NonMaxSuppression", [batched, by_class, *limits], f"{name}_rows")
    kept = graph.node("Gather", [rows, graph.constant("box_of_row", np.int64(BOX_OF_ROW))], f"{name}_kept", axis=1)
    zeros = graph.constant(f"{name}_none", np.zeros(int(most), np.int64))
    padded = graph.node("Concat", [kept, zeros], f"{name}_padded", axis=0)
    ends = [graph.integers("first", [0]), graph.integers(f"{name}_end", [int(most)])]
    t.put(chosen, graph.cast(graph.node("Slice", [padded, *ends], f"{name}_fixed"), "int32", name))
    shape = graph.node("Shape", [kept], f"{name}_shape")
    counted = graph.node("Gather", [shape, graph.constant("zero", np.int64(0))], f"{name}_count", axis=0)
    t.put(count, graph.cast(counted, "int32", t.name(count)))


def _less(t: Translation, operator: TfliteOperator) -> None:
    x, other = operator.inputs
    (y,) = operator.outputs
    t.put(y, t.graph.node("Less", [t.value(x, NHWC), t.value(other, NHWC)], t.name(y)))


def _best(t: Translation, operator: TfliteOperator) -> None:
    """Write TOPK_V2: of equal numbers, both formats keep the first."""
    x, count = operator.inputs
    values, places = operator.outputs
    name, graph = t.name(places), t.graph
    best = graph.integers(f"{name}_best", [int(t.stored(count).ravel()[0])])
    found, order = graph.split_node("TopK", [t.value(x, NHWC), best], [t.name(values), f"{name}_order"], axis=-1)
    t.put(values, found)
    t.put(places, graph.cast(order, "int32", name))


WRITERS: Mapping[str, Writer] = {
    "LESS": _less,
    "NON_MAX_SUPPRESSION_V4": _suppress,
    "TOPK_V2": _best,
}
