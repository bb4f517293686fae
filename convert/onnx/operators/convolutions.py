"""Convolutions, pools, fully connected layers, and products of two tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detlite.convert.onnx.operators.numbers import bias, weights
from detlite.convert.onnx.operators.pixel_blocks import blocks_of, write_in_blocks
from detlite.convert.onnx.operators.writer import SAME, Writer, in_order, reshaped, same_pads
from detlite.convert.onnx.translation import NCHW, TfliteOperator, Translation
from detlite.runtime.errors import InputError


def _settings(t: Translation, operator: TfliteOperator, window: Sequence[int]) -> dict[str, Any]:
    """Return the attributes of a convolution or pool over a *window* (height, width)."""
    x, y = operator.inputs[0], operator.outputs[0]
    strides = [int(operator.option("strideH")), int(operator.option("strideW"))]
    factors = [int(getattr(operator.options, f"dilation{side}Factor", 1)) for side in "HW"]
    whole = [(size - 1) * factor + 1 for size, factor in zip(window, factors, strict=True)]
    is_same = operator.option("padding") == SAME
    pads = same_pads(t.shape(x)[1:3], t.shape(y)[1:3], whole, strides) if is_same else [0, 0, 0, 0]
    found: dict[str, Any] = {"kernel_shape": list(window), "strides": strides, "pads": pads}
    return found | ({"dilations": factors} if max(factors) > 1 else {})


def _convolution(t: Translation, operator: TfliteOperator) -> None:
    x, kernel, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    _filters, height, width, depth = t.shape(t.source(kernel))
    groups, rest = divmod(t.shape(x)[3], depth)
    if rest:
        raise InputError(f"{t.name(y)} is a convolution of {t.shape(x)[3]} channels by {depth}: the model is damaged")
    settings = _settings(t, operator, (height, width))
    top, left, bottom, _right = settings["pads"]
    if (blocks := blocks_of(t, operator, left)) is not None:
        write_in_blocks(t, operator, blocks, stride=settings["strides"][0], pads=(top, bottom))
        return
    inputs = [t.value(x, NCHW), weights(t, kernel, (0, 3, 1, 2)), *bias(t, operator, 2)]
    made = t.graph.node("Conv", inputs, t.name(y), group=groups, **settings)
    t.put(y, made, NCHW, activation=operator.option("fusedActivationFunction"))


def _depthwise(t: Translation, operator: TfliteOperator) -> None:
    x, kernel, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    window = t.shape(t.source(kernel))[1:3]
    inputs = [t.value(x, NCHW), weights(t, kernel, (3, 0, 1, 2)), *bias(t, operator, 2)]
    made = t.graph.node("Conv", inputs, t.name(y), group=t.shape(x)[3], **_settings(t, operator, window))
    t.put(y, made, NCHW, activation=operator.option("fusedActivationFunction"))


def _transposed(t: Translation, operator: TfliteOperator) -> None:
    kernel, x, y = operator.inputs[1], operator.inputs[2], operator.outputs[0]
    _filters, *window, _depth = t.shape(t.source(kernel))
    strides = [int(operator.option("strideH")), int(operator.option("strideW"))]
    sizes, outputs = t.shape(x)[1:3], t.shape(y)[1:3]
    full = [(size - 1) * stride + side for size, stride, side in zip(sizes, strides, window, strict=True)]
    pads = same_pads(outputs, sizes, window, strides) if operator.option("padding") == SAME else [0, 0, 0, 0]
    missing = [out - all_ + pads[i] + pads[i + 2] for i, (out, all_) in enumerate(zip(outputs, full, strict=True))]
    settings = {"kernel_shape": window, "strides": strides, "pads": pads, "output_padding": missing}
    inputs = [t.value(x, NCHW), weights(t, kernel, (3, 0, 1, 2), axis=1), *bias(t, operator, 3)]
    made = t.graph.node("ConvTranspose", inputs, t.name(y), **settings)
    t.put(y, made, NCHW, activation=operator.option("fusedActivationFunction"))


def _pool(kind: str, **attributes: int) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        window = (int(operator.option("filterHeight")), int(operator.option("filterWidth")))
        made = t.graph.node(kind, [t.value(x, NCHW)], t.name(y), **_settings(t, operator, window), **attributes)
        t.put(y, made, NCHW, activation=operator.option("fusedActivationFunction"))

    return write


def _connected(t: Translation, operator: TfliteOperator) -> None:
    x, kernel, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    filters, depth = t.shape(t.source(kernel))
    name, value = t.name(y), in_order(t, x)
    if t.shape(x)[1:] != (depth,):
        value = reshaped(t, value, (-1, depth), f"{name}_rows")
    inputs = [value, weights(t, kernel, (0, 1)), *bias(t, operator, 2)]
    made = t.graph.node("Gemm", inputs, name, transB=1)
    if len(t.shape(y)) != 2:
        made = reshaped(t, made, (*t.shape(y)[:-1], filters), f"{name}_shaped")
    t.put(y, made, activation=operator.option("fusedActivationFunction"))


def _product(t: Translation, operator: TfliteOperator) -> None:
    (y,) = operator.outputs
    operands = []
    for index, turned in zip(operator.inputs, ("adjX", "adjY"), strict=True):
        value = in_order(t, index)
        if operator.option(turned):
            last = len(t.shape(index)) - 1
            order = [*range(last - 1), last, last - 1]
            value = t.graph.node("Transpose", [value], f"{t.name(index)}_turned", perm=order)
        operands.append(value)
    t.put(y, t.graph.node("MatMul", operands, t.name(y)))


WRITERS: Mapping[str, Writer] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "MAX_POOL_2D": _pool("MaxPool"),
    "AVERAGE_POOL_2D": _pool("AveragePool", count_include_pad=0),
    "FULLY_CONNECTED": _connected,
    "BATCH_MATMUL": _product,
}
