"""Operators that only move numbers: shapes, slices, pads, concatenation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from detlite.convert.onnx.operators.writer import Writer, axis_of, in_order, reshaped
from detlite.convert.onnx.translation import AXES_IN_NCHW, NCHW, NHWC, TO_LAYOUT, TfliteOperator, Translation
from detlite.runtime.errors import InputError

FIRST = -(2**31)
"""An end before the first number, for a slice backwards."""


def _place(axis: int, layout: str) -> int:
    return AXES_IN_NCHW[axis] if layout == NCHW else axis


def _reshape(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    t.put_moved(y, reshaped(t, in_order(t, x), t.shape(y), t.name(y)))


def _transpose(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    order = [int(axis) for axis in t.stored(operator.inputs[1]).ravel()]
    t.put_moved(y, t.graph.transpose(t.value(x, NHWC), order, t.name(y)))


def _concatenate(t: Translation, operator: TfliteOperator) -> None:
    (y,) = operator.outputs
    layout = t.common_layout(operator.inputs)
    axis = _place(axis_of(int(operator.option("axis")), len(t.shape(y))), layout)
    made = t.graph.node("Concat", [t.value(index, layout) for index in operator.inputs], t.name(y), axis=axis)
    t.put(y, made, layout, activation=operator.option("fusedActivationFunction"))


def _pack(t: Translation, operator: TfliteOperator) -> None:
    (y,) = operator.outputs
    axis = axis_of(int(operator.option("axis")), len(t.shape(y)))
    wider = {
        index: t.graph.over_axes("Unsqueeze", t.value(index, NHWC), [axis], f"{t.name(index)}_wider")
        for index in dict.fromkeys(operator.inputs)
    }
    t.put_moved(y, t.graph.node("Concat", [wider[index] for index in operator.inputs], t.name(y), axis=axis))


def _unpack(t: Translation, operator: TfliteOperator) -> None:
    x = operator.inputs[0]
    axis = axis_of(int(operator.option("axis")), len(t.shape(x)))
    parts = t.graph.split(t.value(x, NHWC), [1] * len(operator.outputs), axis, t.name(x))
    for y, part in zip(operator.outputs, parts, strict=True):
        t.put_moved(y, t.graph.over_axes("Squeeze", part, [axis], t.name(y)))


def _split(x_place: int, axis_place: int) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x = operator.inputs[x_place]
        axis = axis_of(int(t.stored(operator.inputs[axis_place]).ravel()[0]), len(t.shape(x)))
        layout = t.map_layout(x)
        sizes = [t.shape(y)[axis] for y in operator.outputs]
        parts = t.graph.split(t.value(x, layout), sizes, _place(axis, layout), t.name(x))
        for y, part in zip(operator.outputs, parts, strict=True):
            t.put(y, part, layout)

    return write


def _slice(t: Translation, operator: TfliteOperator) -> None:
    x = operator.inputs[0]
    begins = [int(value) for value in t.stored(operator.inputs[1]).ravel()]
    sizes = [int(value) for value in t.stored(operator.inputs[2]).ravel()]
    ends = [side if size < 0 else begin + size for side, begin, size in zip(t.shape(x), begins, sizes, strict=True)]
    _write_slice(t, operator, begins, ends, [1] * len(begins))


def _strided_slice(t: Translation, operator: TfliteOperator) -> None:
    shape = t.shape(operator.inputs[0])
    if operator.option("ellipsisMask") or operator.option("newAxisMask"):
        raise InputError("the model has a STRIDED_SLICE with an ellipsis or a new axis, which the ONNX writer lacks")
    given = [[int(value) for value in t.stored(index).ravel()] for index in operator.inputs[1:4]]
    begins, ends, steps = [], [], []
    for axis, (begin, end, step) in enumerate(zip(*given, strict=True)):
        is_one = operator.option("shrinkAxisMask") >> axis & 1
        first = 0 if step > 0 else shape[axis] - 1
        begins.append(first if operator.option("beginMask") >> axis & 1 else _from_start(begin, shape[axis]))
        last = shape[axis] if step > 0 else FIRST
        ends.append(last if operator.option("endMask") >> axis & 1 else _from_start(end, shape[axis]))
        if is_one:
            ends[-1] = begins[-1] + 1
        steps.append(1 if is_one else step)
    _write_slice(t, operator, begins, ends, steps)


def _from_start(place: int, side: int) -> int:
    return max(place + side, FIRST if place + side < 0 else 0) if place < 0 else place


def _write_slice(
    t: Translation, operator: TfliteOperator, begins: Sequence[int], ends: Sequence[int], steps: Sequence[int]
) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    shape, layout, name = t.shape(x), t.map_layout(x), t.name(y)
    axes = [i for i, side in enumerate(shape[: len(begins)]) if (begins[i], steps[i]) != (0, 1) or ends[i] < side]
    is_smaller = len(t.shape(y)) != len(shape)  # a shrunk axis goes
    layout = NHWC if is_smaller else layout
    value = t.value(x, layout)
    if axes:
        limits = [
            t.graph.integers(end, [values[i] for i in axes]) for end, values in (("starts", begins), ("ends", ends))
        ]
        places = t.graph.integers("axes", [_place(i, layout) for i in axes])
        value = t.graph.node(
            "Slice", [value, *limits, places, t.graph.integers("steps", [steps[i] for i in axes])], name
        )
    if is_smaller:
        t.put(y, reshaped(t, value, t.shape(y), f"{name}_shaped"))
    else:
        t.put(y, value, layout)


def _pad(mode: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        layout = t.map_layout(x)
        pads = t.stored(operator.inputs[1]).astype(np.int64).reshape(-1, 2)
        if layout == NCHW:
            pads = pads[list(TO_LAYOUT[NCHW])]
        inputs = [t.value(x, layout), t.graph.integers("pads", pads.T.ravel())]
        if mode == "constant":
            inputs.append(_fill(t, operator))
        t.put(y, t.graph.node("Pad", inputs, t.name(y), mode=mode), layout)

    return write


def _fill(t: Translation, operator: TfliteOperator) -> str:
    value = t.real(operator.inputs[2]).ravel()[0] if operator.has(2) else np.float32(0)
    return t.graph.constant("fill", np.float32(value))


def _mirror_pad(t: Translation, operator: TfliteOperator) -> None:
    if operator.option("mode") != 0:
        raise InputError("the model has a MIRROR_PAD that repeats its border (SYMMETRIC), which ONNX lacks")
    _pad("reflect")(t, operator)


def _tile(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    repeats = t.graph.integers("repeats", t.stored(operator.inputs[1]).ravel())
    t.put_moved(y, t.graph.node("Tile", [t.value(x, NHWC), repeats], t.name(y)))


def _gather(t: Translation, operator: TfliteOperator) -> None:
    x, places, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    if getattr(operator.options, "batchDims", 0):
        raise InputError("the model has a GATHER with batch dimensions, which the ONNX writer lacks")
    axis = axis_of(int(operator.option("axis")), len(t.shape(x)))
    t.put_moved(y, t.graph.node("Gather", [t.value(x, NHWC), t.value(places, NHWC)], t.name(y), axis=axis))


def _block(kind: str, **attributes: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        side = int(operator.option("blockSize"))
        t.put(y, t.graph.node(kind, [t.value(x, NCHW)], t.name(y), blocksize=side, **attributes), NCHW)

    return write


WRITERS: Mapping[str, Writer] = {
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": _transpose,
    "CONCATENATION": _concatenate,
    "PACK": _pack,
    "UNPACK": _unpack,
    "SPLIT": _split(1, 0),
    "SPLIT_V": _split(0, 2),
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "PAD": _pad("constant"),
    "PADV2": _pad("constant"),
    "MIRROR_PAD": _mirror_pad,
    "TILE": _tile,
    "GATHER": _gather,
    "DEPTH_TO_SPACE": _block("DepthToSpace"),
    "SPACE_TO_DEPTH": _block("SpaceToDepth"),
}
