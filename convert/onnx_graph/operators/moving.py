"""Operators that move, cut and join values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detlite.convert.onnx_graph.layout import Laid, plain
from detlite.convert.onnx_graph.translation import Operator, TensorFlowTranslation

Attributes = Mapping[str, Any]


def _reshape(translation: TensorFlowTranslation, node: Any, _given: Attributes) -> Laid:
    shape = translation.shape(node.output[0])
    return plain(translation.tf.reshape(translation.plain(node.input[0]), shape), len(shape))


def _transpose(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    laid = translation.laid(node.input[0])
    return laid.moved(given.get("perm", tuple(range(len(laid.order)))[::-1]))


def _concat(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    values, order = translation.alike(node.input)
    axis = order.index(given["axis"] % len(order))
    return Laid(translation.tf.concat(values, axis), order)


def _slice(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    laid = translation.laid(node.input[0])
    rank = len(laid.order)
    starts, ends, axes, steps = _cuts(translation, node, given)
    slices = [slice(None)] * rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            raise translation.refused(node, f"its step is {step}; want one over 0")
        slices[laid.axis(axis)] = slice(start, end if end < 2**31 - 1 else None, step)
    return Laid(laid.value[tuple(slices)], laid.order)


def _cuts(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Sequence[Sequence[int]]:
    """Return the starts, ends, axes and steps of a Slice; they are inputs from opset 10 on."""
    if translation.model.opset < 10:
        parts = [given.get("starts"), given.get("ends"), given.get("axes"), None]
    else:
        parts = [translation.constant(node, number) for number in range(1, 5)]
    starts, ends, axes, steps = (None if part is None else [int(one) for one in part] for part in parts)
    assert starts is not None
    assert ends is not None
    count = len(starts)
    return starts, ends, axes or list(range(count)), steps or [1] * count


def _split(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Sequence[Laid]:
    laid, axis = translation.laid(node.input[0]), given.get("axis", 0)
    sizes = [translation.shape(name)[axis] for name in node.output]
    return [Laid(part, laid.order) for part in translation.tf.split(laid.value, sizes, laid.axis(axis))]


def _gather(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    indices = translation.constant(node, 1)
    assert indices is not None
    rank, axis = len(translation.shape(node.output[0])), given.get("axis", 0)
    places = indices % translation.shape(node.input[0])[axis]  # a negative one counts from the end
    return plain(translation.tf.gather(translation.plain(node.input[0]), places.astype(np.int32), axis=axis), rank)


def _reduce_mean(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    axes = given.get("axes") or translation.constant(node, 1)
    laid = translation.laid(node.input[0])
    found = range(len(laid.order)) if axes is None else [int(axis) for axis in axes]
    if given.get("keepdims", 1):
        places = [laid.axis(axis) for axis in found]
        return Laid(translation.tf.reduce_mean(laid.value, places, keepdims=True), laid.order)
    value = translation.tf.reduce_mean(translation.plain(node.input[0]), list(found))
    return plain(value, len(translation.shape(node.output[0])))


def _pad(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    laid = translation.laid(node.input[0])
    pads, value = translation.constant(node, 1), translation.constant(node, 2)
    amounts = given["pads"] if pads is None else [int(one) for one in pads]
    filling = given.get("value", 0.0) if value is None else float(value)
    if given.get("mode", b"constant") != b"constant" or min(amounts) < 0 or len(node.input) > 3:
        raise translation.refused(node, "want constant padding of all axes")
    rank = len(laid.order)
    edges = [(amounts[axis], amounts[axis + rank]) for axis in laid.order]
    return Laid(translation.tf.pad(laid.value, edges, constant_values=filling), laid.order)


MOVING: Mapping[str, Operator] = {
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Transpose": _transpose,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "ReduceMean": _reduce_mean,
    "Pad": _pad,
}
