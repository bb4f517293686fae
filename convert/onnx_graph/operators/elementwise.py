"""Operators on each value, and those that keep the shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from detlite.convert.onnx_graph.layout import Laid, in_order
from detlite.convert.onnx_graph.translation import Operator, TensorFlowTranslation, as_float

Attributes = Mapping[str, Any]
SIXTH = np.float32(1 / 6)


def _one(make: Callable[[Any, Any, Attributes], Any]) -> Operator:
    """Return the operator that *make* (TensorFlow, the input, the attributes) computes of one input."""

    def operator(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
        laid = translation.laid(node.input[0])
        return Laid(make(translation.tf, laid.value, given), laid.order)

    return operator


def _joined(name: str) -> Operator:
    """Return the operator that joins inputs by TensorFlow's function *name*, one after the other."""

    def operator(translation: TensorFlowTranslation, node: Any, _given: Attributes) -> Laid:
        (first, *others), order = translation.alike(node.input)
        for other in others:
            first = getattr(translation.tf, name)(first, other)
        return Laid(first, order)

    return operator


def _clip(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    low, high = (translation.constant(node, number) for number in (1, 2))
    ends = (given.get("min") if low is None else float(low), given.get("max") if high is None else float(high))
    laid, tf = translation.laid(node.input[0]), translation.tf
    if ends == (0, 6):
        return Laid(tf.nn.relu6(laid.value), laid.order)
    y = laid.value
    if ends[0] is not None:
        y = tf.nn.relu(y) if ends[0] == 0 else tf.maximum(y, np.float32(ends[0]))
    return Laid(y if ends[1] is None else tf.minimum(y, np.float32(ends[1])), laid.order)


def _batch_norm(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    scale, beta, mean, variance = (np.asarray(translation.constant(node, number), np.float64) for number in range(1, 5))
    gain = scale / np.sqrt(variance + given.get("epsilon", 1e-5))
    laid = translation.laid(node.input[0])
    shape = [1] * len(laid.order)
    shape[laid.axis(1)] = len(gain)
    shift = beta - mean * gain
    y = translation.tf.multiply(laid.value, as_float(gain).reshape(shape))
    return Laid(translation.tf.add(y, as_float(shift).reshape(shape)), laid.order)


def _softmax(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    laid = translation.laid(node.input[0])
    rank = len(laid.order)
    axis = given.get("axis", -1 if translation.model.opset >= 13 else 1) % rank
    sides = translation.shape(node.input[0])[axis + 1 :]
    if translation.model.opset < 13 and any(side != 1 for side in sides):
        raise translation.refused(node, f"before opset 13 it is over all axes from {axis} on; want the last axis")
    order = (*(one for one in range(rank) if one != axis), axis)
    last = in_order(translation.tf, laid, order)
    return Laid(translation.tf.nn.softmax(last), order)


def _cast(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    if given["to"] not in (1, 10, 11):  # TensorProto.FLOAT, FLOAT16 and DOUBLE
        raise translation.refused(node, f"it casts to the element type {given['to']}; want a float")
    return translation.laid(node.input[0])


def _same(translation: TensorFlowTranslation, node: Any, _given: Attributes) -> Laid:
    return translation.laid(node.input[0])


def _hard_sigmoid(tf: Any, x: Any, given: Attributes) -> Any:
    y = x * np.float32(given.get("alpha", 0.2)) + np.float32(given.get("beta", 0.5))
    return tf.minimum(tf.nn.relu(y), np.float32(1))


ELEMENTWISE: Mapping[str, Operator] = {
    "Relu": _one(lambda tf, x, _given: tf.nn.relu(x)),
    "Sigmoid": _one(lambda tf, x, _given: tf.sigmoid(x)),
    "Tanh": _one(lambda tf, x, _given: tf.tanh(x)),
    "Exp": _one(lambda tf, x, _given: tf.exp(x)),
    "Sqrt": _one(lambda tf, x, _given: tf.sqrt(x)),
    "Neg": _one(lambda tf, x, _given: tf.negative(x)),
    "Abs": _one(lambda tf, x, _given: tf.abs(x)),
    "Floor": _one(lambda tf, x, _given: tf.floor(x)),
    "LeakyRelu": _one(lambda tf, x, given: tf.nn.leaky_relu(x, given.get("alpha", 0.01))),
    "HardSigmoid": _one(_hard_sigmoid),
    "HardSwish": _one(lambda tf, x, _given: tf.multiply(x * tf.nn.relu6(x + np.float32(3)), SIXTH)),
    "Add": _joined("add"),
    "Sub": _joined("subtract"),
    "Mul": _joined("multiply"),
    "Div": _joined("divide"),
    "Max": _joined("maximum"),
    "Min": _joined("minimum"),
    "Sum": _joined("add"),
    "Clip": _clip,
    "BatchNormalization": _batch_norm,
    "Softmax": _softmax,
    "Cast": _cast,
    "Identity": _same,
    "Dropout": _same,
}
