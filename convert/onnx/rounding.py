"""int8 in ONNX: a QuantizeLinear and a DequantizeLinear after every operator that rounds, made of TFLite's own numbers.

Source: the ONNX operators QuantizeLinear and DequantizeLinear; ONNX Runtime's "Quantize ONNX models" for the uint8
form, NVIDIA's "Working with Quantized Types" for the symmetric one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.graph import OnnxGraph
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Quantization

RELU, RELU_N1_TO_1, RELU6 = 1, 2, 3
RANGES = {0: (-math.inf, math.inf), RELU: (0.0, math.inf), RELU_N1_TO_1: (-1.0, 1.0), RELU6: (0.0, 6.0)}
"""What each activation of the TFLite schema clips to."""

TOLERANCE = 1e-5
"""Relative: how far 255 times a float32 scale is allowed to be from 6."""

INT8_TO_UINT8 = 128


@dataclass(frozen=True)
class Rounding:
    """How quantized numbers are written.

    Attributes:
        unsigned: whether int8 activations become uint8, 128 higher: the form that ONNX Runtime's kernels take.
        for_tensorrt: whether TensorRT reads the file: its zero points must be 0, and its older versions know fewer
            operators.
    """

    unsigned: bool = True
    for_tensorrt: bool = False

    def limits(self, quantization: Quantization | None, dtype: str) -> tuple[float, float]:
        """Return the least and the greatest real that a tensor can hold."""
        if quantization is None:
            return -math.inf, math.inf
        codes = np.iinfo(dtype)
        low, high = (quantization.scale * (int(code) - quantization.zero_point) for code in (codes.min, codes.max))
        return low, high

    def pair(self, graph: OnnxGraph, x: str, quantization: Quantization, dtype: str, name: str) -> str:
        """Add the two conversions that round *x* to a tensor's *dtype*, and return the rounded reals.

        Raises:
            InputError: its zero point is not 0, and has to be.
        """
        zero = self._zero_point(quantization.zero_point, dtype, name)
        scale = graph.constant(f"{name}_scale", np.float32(quantization.scale))
        settings = [scale, graph.constant(f"{name}_zero_point", zero)]
        codes = graph.node("QuantizeLinear", [x, *settings], f"{name}_quantized")
        return graph.node("DequantizeLinear", [codes, *settings], f"{name}_rounded")

    def _zero_point(self, zero_point: int, dtype: str, name: str) -> NDArray[np.int8] | NDArray[np.uint8]:
        if self.for_tensorrt and (zero_point or dtype != "int8"):
            raise InputError(
                f"TensorRT takes int8 with a zero point of 0, and {name} is {dtype} with {zero_point}: quantize the "
                "float model with --scheme int8-float-bias"
            )
        if dtype == "int8" and self.unsigned:
            return np.array(zero_point + INT8_TO_UINT8, np.uint8)
        return np.array(zero_point, dtype)


def clip_of(graph: OnnxGraph, x: str, activation: int, name: str, limits: tuple[float, float]) -> str:
    """Add the *activation* of the TFLite schema to *x*; what the tensor's *limits* do already is left out.

    ONNX Runtime's fused kernels read a rounded convolution only without a Clip in between.

    Raises:
        InputError: the activation has no form here.
    """
    if activation not in RANGES:
        raise InputError(f"{name} has the fused activation {activation}, which the ONNX writer does not know")
    low, high = RANGES[activation]
    if limits[0] >= low:
        low = -math.inf
    if limits[1] <= high * (1 + TOLERANCE):
        high = math.inf
    if (low, high) == (-math.inf, math.inf):
        return x
    if (low, high) == (0.0, math.inf):
        return graph.node("Relu", [x], f"{name}_relu")
    bounds = [
        graph.constant(f"{end}_bound", np.float32(value)) if math.isfinite(value) else ""
        for end, value in (("lower", low), ("upper", high))
    ]
    return graph.node("Clip", [x, *bounds] if bounds[1] else [x, bounds[0]], f"{name}_clip")
