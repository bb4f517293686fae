"""Operators of two-stage detectors: suppression with a fixed number of boxes, and what picks and counts them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.convert.onnx.operators.writer import Writer, axis_of
from detlite.convert.onnx.translation import NHWC, TfliteOperator, Translation
from detlite.runtime.errors import InputError

BOX_OF_ROW = 2
"""NonMaxSuppression's rows are (batch, class, box)."""


def _suppress(t: Translation, operator: TfliteOperator) -> None:
    """Write NON_MAX_SUPPRESSION_V4: ONNX's operator returns as many rows as it keeps, TFLite's always as many."""
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


def _gather(t: Translation, operator: TfliteOperator) -> None:
    x, indices = operator.inputs
    (y,) = operator.outputs
    if getattr(operator.options, "batchDims", 0):
        raise InputError(f"the GATHER {t.name(y)} has batch dimensions, which the ONNX writer does not know")
    axis = axis_of(int(operator.option("axis")), len(t.shape(x)))
    t.put_moved(y, t.graph.node("Gather", [t.value(x, NHWC), t.value(indices, NHWC)], t.name(y), axis=axis))


def _cast(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    layout = t.common_layout([x])
    t.put(y, t.graph.cast(t.value(x, layout), t.dtype(y), t.name(y)), layout)


def _less(t: Translation, operator: TfliteOperator) -> None:
    x, other = operator.inputs
    (y,) = operator.outputs
    t.put(y, t.graph.node("Less", [t.value(x, NHWC), t.value(other, NHWC)], t.name(y)))


WRITERS: Mapping[str, Writer] = {
    "CAST": _cast,
    "GATHER": _gather,
    "LESS": _less,
    "NON_MAX_SUPPRESSION_V4": _suppress,
}
