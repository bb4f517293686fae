"""Operators that reduce axes: means, sums, extremes."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.onnx.operators.writer import Writer, axes_of, axis_of
from detlite.convert.onnx.translation import AXES_IN_NCHW, NCHW, NHWC, TfliteOperator, Translation

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


WRITERS: Mapping[str, Writer] = {
    "MEAN": _reduction("ReduceMean"),
    "SUM": _reduction("ReduceSum"),
    "REDUCE_MAX": _reduction("ReduceMax"),
    "REDUCE_MIN": _reduction("ReduceMin"),
    "ARG_MAX": _place_of_best("ArgMax"),
    "ARG_MIN": _place_of_best("ArgMin"),
}
