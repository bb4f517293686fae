"""Operators that reduce axes: means, sums, extremes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.convert.onnx.operators.writer import Writer, axes_of, axis_of
from detlite.convert.onnx.translation import AXES_IN_NCHW, NCHW, NHWC, TfliteOperator, Translation

SHORTEST = 1e-6
"""The least length that LiteRT's L2_NORMALIZATION divides by."""

PLANE = [1, 2]
"""Height and width of an NHWC map."""


def _reduction(kind: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        axes, keeps = axes_of(t, operator.inputs[1], len(t.shape(x))), bool(operator.option("keepDims"))
        layout = NCHW if keeps and t.is_map(x) else NHWC
        value, name = t.value(x, layout), t.name(y)
        if (kind, layout, axes) == ("ReduceMean", NCHW, PLANE):
            t.put(y, t.graph.node("GlobalAveragePool", [value], name), layout)
            return
        if layout == NCHW:
            axes = sorted(AXES_IN_NCHW[axis] for axis in axes)
        t.put(y, t.graph.over_axes(kind, value, axes, name, keepdims=int(keeps)), layout)

    return write


def _place_of_best(kind: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        axis = axis_of(int(t.stored(operator.inputs[1]).ravel()[0]), len(t.shape(x)))
        found = t.graph.node(kind, [t.value(x, NHWC)], t.name(y), axis=axis, keepdims=0)
        t.put(y, found if t.dtype(y) == "int64" else t.graph.cast(found, t.dtype(y), f"{t.name(y)}_cast"))

    return write


def _unit(t: Translation, operator: TfliteOperator) -> None:
    """Write L2_NORMALIZATION, along the last axis; LiteRT's kernels divide by no less than `SHORTEST`."""
    x, y = operator.inputs[0], operator.outputs[0]
    name, graph = t.name(y), t.graph
    value, last = t.value(x, NHWC), len(t.shape(x)) - 1
    squares = graph.over_axes("ReduceSum", graph.node("Mul", [value, value], f"{name}_squares"), [last], f"{name}_sum")
    length = graph.node("Sqrt", [squares], f"{name}_sqrt")
    shortest = graph.constant(f"{name}_shortest", np.array(SHORTEST, np.float32))
    made = graph.node("Div", [value, graph.node("Max", [length, shortest], f"{name}_length")], name)
    t.put(y, made, activation=operator.option("fusedActivationFunction"))


WRITERS: Mapping[str, Writer] = {
    "MEAN": _reduction("ReduceMean"),
    "SUM": _reduction("ReduceSum"),
    "REDUCE_MAX": _reduction("ReduceMax"),
    "REDUCE_MIN": _reduction("ReduceMin"),
    "ARG_MAX": _place_of_best("ArgMax"),
    "L2_NORMALIZATION": _unit,
    "ARG_MIN": _place_of_best("ArgMin"),
}
