"""The number formats of activations, and the rules that the operators then impose on their tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from detlite.calibration.numbers.operators import INT8_RULES, INT16_RULES, OperatorRule
from detlite.calibration.ranges.ranges import Range
from detlite.runtime.tensors import Quantization

MIN_WIDTH = 1e-6  # the smallest width of a range: a tensor that is always 0 needs a scale too


@dataclass(frozen=True)
class NumberFormat:
    """One way to store activations.

    Attributes:
        dtype: the dtype of the activations: int8 or int16.
        symmetric: whether every zero point is 0.
        bias_dtype: the dtype of the biases.
        bias_limit: the largest bias, in steps, that leaves room for the products in the accumulator.
        rules: the rule of each operator; an operator without a rule has no such form.
        in_place: whether operators compute with these numbers, so that each needs a rule or stays in float; otherwise
            all compute in float32 on rounded values.
    """

    dtype: str
    symmetric: bool
    bias_dtype: str
    bias_limit: float
    rules: Mapping[str, OperatorRule] = field(repr=False)
    in_place: bool = True

    @property
    def lowest(self) -> int:
        """The lowest code."""
        return int(np.iinfo(self.dtype).min)

    @property
    def highest(self) -> int:
        """The highest code."""
        return int(np.iinfo(self.dtype).max)

    def of_range(self, found: Range) -> Quantization:
        """Return the scale and zero point that spread the codes over *found*, widened to include 0.

        0 is represented exactly because padding consists of it (Jacob et al., CVPR 2018, section 3).
        """
        low, high = min(found.low, 0.0), max(found.high, 0.0)
        if self.symmetric:
            return Quantization(float(np.float32(max(-low, high, MIN_WIDTH) / self.highest)), 0)
        scale = float(np.float32(max(high - low, MIN_WIDTH) / (self.highest - self.lowest)))
        zero = round(self.lowest - low / scale)
        return Quantization(scale, min(max(zero, self.lowest), self.highest))


INT8 = NumberFormat("int8", symmetric=False, bias_dtype="int32", bias_limit=float(1 << 30), rules=INT8_RULES)
"""TFLite's 8-bit form; a bias may use half of the range of int32."""

INT16 = NumberFormat("int16", symmetric=True, bias_dtype="int64", bias_limit=float(1 << 46), rules=INT16_RULES)
"""TFLite's 16x8 form, whose kernels accept sums of at most 48 bits (`MultiplyByQuantizedMultiplier`)."""

EXPLICIT = NumberFormat("int8", symmetric=True, bias_dtype="float32", bias_limit=float("inf"), rules={}, in_place=False)
"""Rounding by QUANTIZE and DEQUANTIZE pairs in a float graph; TensorRT requires zero points of 0."""
