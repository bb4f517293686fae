"""Operators that work number by number, with both operands in one layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detlite.convert.onnx.operators.writer import Writer, axis_of
from detlite.convert.onnx.rounding import RELU, RELU6, RELU_N1_TO_1
from detlite.convert.onnx.translation import MAP_RANK, NCHW, NHWC, TO_LAYOUT, TfliteOperator, Translation

HARD_SWISH_OPSET = 14


def _operand(t: Translation, index: int, layout: str, rank: int) -> str:
    """Return an operand with which a tensor of *rank* axes is computed in *layout*."""
    if t.layouts(index) or not t.is_constant(index):
        return t.value(index, layout)
    value = t.real(index)
    if value.size == 1 and rank:
        value = value.reshape(())
    elif layout == NCHW:
        value = value.reshape((1,) * (MAP_RANK - value.ndim) + value.shape).transpose(TO_LAYOUT[NCHW])
        if value.shape[0] == 1:
            value = value[0]  # [C, 1, 1]: a bias of the channels, as every runtime fuses it
    return t.graph.constant(t.name(index), value)


def _operands(t: Translation, indices: Sequence[int]) -> tuple[list[str], str]:
    """Return the operands *indices* and the layout that they are in."""
    computed = [len(t.shape(index)) for index in indices if t.layouts(index)]
    layout = t.common_layout(indices)
    if any(len(t.shape(index)) > max(computed, default=0) for index in indices):
        return [t.value(index, NHWC) for index in indices], NHWC  # a constant has the most axes
    return [_operand(t, index, layout, max(computed)) for index in indices], layout


def _same(kind: str) -> Writer:
    """Return the writer of an operator of any number of operands."""

    def write(t: Translation, operator: TfliteOperator) -> None:
        operands, layout = _operands(t, operator.inputs)
        (y,) = operator.outputs
        activation = getattr(operator.options, "fusedActivationFunction", 0)
        t.put(y, t.graph.node(kind, operands, t.name(y)), layout, activation=activation)

    return write


def _unary(*kinds: str, **attributes: float) -> Writer:
    """Return the writer of an operator that is a row of ONNX's; the *attributes* are those of the last."""

    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        layout = t.common_layout([x])
        value = t.value(x, layout)
        for kind in kinds[:-1]:
            value = t.graph.node(kind, [value], f"{t.name(y)}_{kind.lower()}")
        t.put(y, t.graph.node(kinds[-1], [value], t.name(y), **attributes), layout)

    return write


def _activation(code: int) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        layout = t.common_layout([x])
        t.put(y, t.value(x, layout), layout, activation=code)

    return write


def _hard_swish(t: Translation, operator: TfliteOperator) -> None:
    """Write x * HardSigmoid(x) where ONNX has no HardSwish yet, and for TensorRT, which knows it only from 8.5 on."""
    x, y = operator.inputs[0], operator.outputs[0]
    layout = t.common_layout([x])
    value = t.value(x, layout)
    if t.graph.opset >= HARD_SWISH_OPSET and not t.rounding.for_tensorrt:
        t.put(y, t.graph.node("HardSwish", [value], t.name(y)), layout)
        return
    gate = t.graph.node("HardSigmoid", [value], f"{t.name(y)}_gate", alpha=1 / 6, beta=0.5)
    t.put(y, t.graph.node("Mul", [value, gate], t.name(y)), layout)


def _gelu(t: Translation, operator: TfliteOperator) -> None:
    """Write x times the share of the normal distribution below x, exact or by a tanh (Hendrycks and Gimpel, 2016)."""
    x, y = operator.inputs[0], operator.outputs[0]
    layout, name = t.common_layout([x]), t.name(y)
    value = t.value(x, layout)

    def scaled(kind: str, operand: str, by: float, called: str) -> str:
        return t.graph.node(kind, [operand, t.graph.constant(called, np.float32(by))], f"{name}_{called}")

    if getattr(operator.options, "approximate", False):
        square = t.graph.node("Mul", [value, value], f"{name}_square")
        slope = scaled("Add", scaled("Mul", square, 0.044715, "cubic"), 1.0, "slope")
        inner = scaled("Mul", t.graph.node("Mul", [value, slope], f"{name}_bent"), math.sqrt(2 / math.pi), "inner")
        curve = t.graph.node("Tanh", [inner], f"{name}_curve")
    else:
        curve = t.graph.node("Erf", [scaled("Mul", value, math.sqrt(0.5), "inner")], f"{name}_curve")
    half = scaled("Mul", scaled("Add", curve, 1.0, "raised"), 0.5, "half")
    t.put(y, t.graph.node("Mul", [value, half], name), layout)


def _square(t: Translation, operator: TfliteOperator) -> None:
    x, y = operator.inputs[0], operator.outputs[0]
    layout = t.common_layout([x])
    value = t.value(x, layout)
    t.put(y, t.graph.node("Mul", [value, value], t.name(y)), layout)


def _squared_difference(t: Translation, operator: TfliteOperator) -> None:
    operands, layout = _operands(t, operator.inputs)
    (y,) = operator.outputs
    difference = t.graph.node("Sub", operands, f"{t.name(y)}_difference")
    t.put(y, t.graph.node("Mul", [difference, difference], t.name(y)), layout)


def _leaky(t: Translation, operator: TfliteOperator) -> None:
    _unary("LeakyRelu", alpha=float(operator.option("alpha")))(t, operator)


def _softmax(kind: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        beta = float(getattr(operator.options, "beta", 1.0))
        value = t.value(x, NHWC)
        if beta != 1:
            value = t.graph.node("Mul", [value, t.graph.constant("beta", np.float32(beta))], f"{t.name(y)}_scaled")
        axis = axis_of(-1, len(t.shape(x)))  # before operator set 13, Softmax flattens the axes from *axis* on
        t.put(y, t.graph.node(kind, [value], t.name(y), axis=axis), NHWC)

    return write


_ONE: Mapping[str, Any] = {
    "LOGISTIC": "Sigmoid",
    "TANH": "Tanh",
    "EXP": "Exp",
    "LOG": "Log",
    "SQRT": "Sqrt",
    "NEG": "Neg",
    "ABS": "Abs",
    "FLOOR": "Floor",
    "CEIL": "Ceil",
    "ROUND": "Round",
    "SIN": "Sin",
    "COS": "Cos",
    "ELU": "Elu",
}
_MANY: Mapping[str, str] = {
    "ADD": "Add",
    "SUB": "Sub",
    "MUL": "Mul",
    "DIV": "Div",
    "POW": "Pow",
    "MINIMUM": "Min",
    "MAXIMUM": "Max",
    "PRELU": "PRelu",
    "ADD_N": "Sum",
}

WRITERS: Mapping[str, Writer] = {
    **{kind: _unary(name) for kind, name in _ONE.items()},
    **{kind: _same(name) for kind, name in _MANY.items()},
    "RSQRT": _unary("Sqrt", "Reciprocal"),
    "RELU": _activation(RELU),
    "RELU6": _activation(RELU6),
    "RELU_N1_TO_1": _activation(RELU_N1_TO_1),
    "HARD_SWISH": _hard_swish,
    "GELU": _gelu,
    "SQUARE": _square,
    "SQUARED_DIFFERENCE": _squared_difference,
    "LEAKY_RELU": _leaky,
    "SOFTMAX": _softmax("Softmax"),
    "LOG_SOFTMAX": _softmax("LogSoftmax"),
}
