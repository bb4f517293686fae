"""Convolutions, pools, resizes and matrix products."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx_graph.layout import NHWC, Laid, plain
from detlite.convert.onnx_graph.translation import Operator, TensorFlowTranslation, as_float
from detlite.runtime.counts import counted

Attributes = Mapping[str, Any]

LOWEST = float(np.finfo(np.float32).min)
NOT_NEGATIVE = ("Relu", "Sigmoid", "HardSigmoid", "Softmax", "Exp")
"""Operators after which zeros at the edges are never a window's maximum."""


RESIZE_RULES_OPSET = 11
"""The operator set from which Resize has attributes for its rules; before, it is asymmetric."""

ROUNDINGS: Mapping[bytes, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    b"floor": np.floor,
    b"ceil": np.ceil,
    b"round_prefer_floor": lambda at: np.ceil(at - 0.5),
    b"round_prefer_ceil": lambda at: np.floor(at + 0.5),
}
"""How each `nearest_mode` makes a row of a position."""


class _Window:
    """How a window moves: kernel, strides and dilations, (rows, columns) each."""

    def __init__(self, translation: TensorFlowTranslation, node: Any, given: Attributes, kernel: Sequence[int]) -> None:
        self.kernel = tuple(kernel)
        self.strides = tuple(given.get("strides", (1, 1)))
        self.dilations = tuple(given.get("dilations", (1, 1)))
        if len(self.kernel) != 2:
            raise translation.refused(node, f"its window has {counted(len(self.kernel), 'side')}; want 2")
        self._inputs = translation.shape(node.input[0])[2:]
        self._outputs = translation.shape(node.output[0])[2:]
        self._rule = given.get("auto_pad", b"NOTSET")
        self._pads = tuple(given.get("pads", (0, 0, 0, 0)))

    def edges(self) -> tuple[tuple[int, int], tuple[int, int]] | str:
        """Return (before, after) of rows and of columns; or TensorFlow's SAME or VALID, if one of them is the same."""
        reach = [(side - 1) * dilation + 1 for side, dilation in zip(self.kernel, self.dilations, strict=True)]
        totals = [
            (out - 1) * stride + size - side
            for out, stride, size, side in zip(self._outputs, self.strides, reach, self._inputs, strict=True)
        ]
        edges = tuple((begin, max(total - begin, 0)) for begin, total in zip(self._begins(totals), totals, strict=True))
        if not any(side for edge in edges for side in edge):
            return "VALID"
        same = tuple((max(total, 0) // 2, max(total, 0) - max(total, 0) // 2) for total in totals)
        halves = tuple(-(-side // stride) for side, stride in zip(self._inputs, self.strides, strict=True))
        return "SAME" if edges == same and halves == tuple(self._outputs) else (edges[0], edges[1])

    def _begins(self, totals: Sequence[int]) -> Sequence[int]:
        if self._rule == b"SAME_UPPER":
            return [max(total, 0) // 2 for total in totals]
        if self._rule == b"SAME_LOWER":
            return [-(-max(total, 0) // 2) for total in totals]
        return [0, 0] if self._rule == b"VALID" else self._pads[:2]


def _padded(translation: TensorFlowTranslation, x: Any, window: _Window, filling: float) -> tuple[Any, str]:
    edges = window.edges()
    if isinstance(edges, str):
        return x, edges
    return translation.tf.pad(x, ((0, 0), *edges, (0, 0)), constant_values=filling), "VALID"


def _conv(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    kernel = translation.constant(node, 1)
    assert kernel is not None
    window = _Window(translation, node, given, kernel.shape[2:])
    x, padding = _padded(translation, translation.picture(node.input[0]), window, 0.0)
    groups, channels = int(given.get("group", 1)), int(x.shape[-1])
    weights = as_float(kernel)
    if groups == channels and groups > 1:
        multiplier = len(weights) // channels
        weights = weights.reshape(channels, multiplier, *window.kernel).transpose(2, 3, 0, 1)
        y = translation.tf.raw_ops.DepthwiseConv2dNative(
            input=x,
            filter=weights,
            strides=(1, *window.strides, 1),
            padding=padding,
            dilations=(1, *window.dilations, 1),
        )
    else:
        weights = weights.transpose(2, 3, 1, 0)
        y = translation.tf.nn.conv2d(x, weights, window.strides, padding, dilations=window.dilations)
    bias = translation.constant(node, 2)
    return Laid(y if bias is None else translation.tf.nn.bias_add(y, as_float(bias)), NHWC)


def _max_pool(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    window = _Window(translation, node, given, given["kernel_shape"])
    if window.dilations != (1, 1):
        raise translation.refused(node, f"its dilations are {window.dilations}; want (1, 1)")
    maker = translation.model.makers.get(node.input[0])
    filling = 0.0 if maker is not None and maker.op_type in NOT_NEGATIVE else LOWEST
    x = translation.picture(node.input[0])
    padding = window.edges()
    if not isinstance(padding, str):  # TensorFlow's own SAME leaves out what is outside
        x, padding = _padded(translation, x, window, filling)
    return Laid(translation.tf.nn.max_pool2d(x, window.kernel, window.strides, padding), NHWC)


def _average_pool(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    window = _Window(translation, node, given, given["kernel_shape"])
    counted = bool(given.get("count_include_pad", 0))
    x, padding = translation.picture(node.input[0]), window.edges()
    if padding == "SAME" and counted:
        raise translation.refused(node, "it counts its padding")
    if not isinstance(padding, str):
        if not counted:
            raise translation.refused(node, f"it leaves out its padding {padding}, which TensorFlow places otherwise")
        x, padding = _padded(translation, x, window, 0.0)
    return Laid(translation.tf.nn.avg_pool2d(x, window.kernel, window.strides, padding), NHWC)


def _global_average(translation: TensorFlowTranslation, node: Any, _given: Attributes) -> Laid:
    return Laid(translation.tf.reduce_mean(translation.picture(node.input[0]), (1, 2), keepdims=True), NHWC)


def _resize(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    inputs, outputs = translation.shape(node.input[0]), translation.shape(node.output[0])
    if len(inputs) != 4 or inputs[:2] != outputs[:2]:
        raise translation.refused(node, f"it resizes {inputs} to {outputs}; want rows and columns alone")
    is_old = translation.model.opset < RESIZE_RULES_OPSET
    place = given.get("coordinate_transformation_mode", b"asymmetric" if is_old else b"half_pixel")
    x, size, raw = translation.picture(node.input[0]), outputs[2:], translation.tf.raw_ops
    mode = given.get("mode", b"nearest")
    rounding = given.get("nearest_mode", None if is_old else b"round_prefer_floor")
    sides = zip(inputs[2:], size, strict=True)
    if mode == b"nearest" and all(_picks_as_tensorflow(side, out, place, rounding) for side, out in sides):
        return Laid(raw.ResizeNearestNeighbor(images=x, size=size), NHWC)
    places = {b"half_pixel": (True, False), b"pytorch_half_pixel": (True, False)}
    places |= {b"align_corners": (False, True), b"asymmetric": (False, False)}
    if mode != b"linear" or place not in places or (place == b"pytorch_half_pixel" and 1 in size):
        raise translation.refused(node, f"its mode is {mode.decode()}, {place.decode()}")
    halves, corners = places[place]
    return Laid(raw.ResizeBilinear(images=x, size=size, half_pixel_centers=halves, align_corners=corners), NHWC)


def _picks_as_tensorflow(side: int, out: int, place: bytes, rounding: bytes | None) -> bool:
    """Return whether row *i* of *out* rows is row floor(i * side / out) of *side* rows, as TensorFlow's nearest is.

    The formulas are from ONNX's operator Resize; a *place* without one gives False. *rounding* is None for the Upsample
    and Resize of opsets before 11, where ONNX Runtime rounds down, or up if there are fewer rows than before.
    """
    rows = np.arange(out, dtype=np.float64)
    middles = (rows + 0.5) * side / out - 0.5
    places = {
        b"asymmetric": rows * side / out,
        b"align_corners": rows * (side - 1) / max(out - 1, 1),
        b"half_pixel": middles,
        b"pytorch_half_pixel": middles if out > 1 else rows,
    }
    if rounding is None:
        rounding = b"floor" if out >= side else b"ceil"
    if place not in places or rounding not in ROUNDINGS:
        return False
    picked = np.clip(ROUNDINGS[rounding](places[place]), 0, side - 1)
    return bool(np.array_equal(picked, np.floor(rows * side / out)))


def _gemm(translation: TensorFlowTranslation, node: Any, given: Attributes) -> Laid:
    if given.get("transA", 0) or given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1:
        raise translation.refused(node, "want transA 0, alpha 1 and beta 1")
    weights = translation.constant(node, 1)
    assert weights is not None
    kernel = as_float(weights.T if given.get("transB", 0) else weights)
    y = translation.tf.matmul(translation.plain(node.input[0]), kernel)
    bias = translation.constant(node, 2)
    return plain(y if bias is None else y + as_float(bias), 2)


def _matmul(translation: TensorFlowTranslation, node: Any, _given: Attributes) -> Laid:
    y = translation.tf.matmul(*(translation.plain(name) for name in node.input))
    return plain(y, len(translation.shape(node.output[0])))


WINDOWS: Mapping[str, Operator] = {
    "Conv": _conv,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "Resize": _resize,
    "Upsample": _resize,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
