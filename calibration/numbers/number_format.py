"""How the activations of a quantized model are stored, and what each operator then wants of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from detlite.calibration.numbers.operators import INT8_RULES, INT16_RULES, Rule
from detlite.calibration.ranges.ranges import Range
from detlite.runtime.tensors import Quantization

NARROWEST = 1e-6  # a tensor that is always 0 has to have some scale


@dataclass(frozen=True)
class NumberFormat:
    """One way to store activations.

    Attributes:
        dtype: of the activations: int8 or int16.
        symmetric: whether every zero point is 0.
        bias_dtype: of the biases.
        bias_limit: the largest bias, in steps, that leaves the accumulator room for the products.
        rules: what each operator wants; one that is missing here has no such form.
        in_place: whether operators compute with these numbers, so that each must have a rule or stay float; else all
            compute in float32, with numbers that were rounded in this way.
    """

    dtype: str
    symmetric: bool
    bias_dtype: str
    bias_limit: float
    rules: Mapping[str, Rule] = field(repr=False)
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
        """Return the scale and zero point that spread the codes over *found*, widened to hold 0.

        0 gets a code of its own, for padding is made of it (Jacob et al., CVPR 2018, section 3).
        """
        low, high = min(found.low, 0.0), max(found.high, 0.0)
        if self.symmetric:
            return Quantization(float(np.float32(max(-low, high, NARROWEST) / self.highest)), 0)
        scale = float(np.float32(max(high - low, NARROWEST) / (self.highest - self.lowest)))
        zero = round(self.lowest - low / scale)
        return Quantization(scale, min(max(zero, self.lowest), self.highest))


INT8 = NumberFormat("int8", symmetric=False, bias_dtype="int32", bias_limit=float(1 << 30), rules=INT8_RULES)
"""TFLite's 8-bit form; half of int32 for the bias."""

INT16 = NumberFormat("int16", symmetric=True, bias_dtype="int64", bias_limit=float(1 << 46), rules=INT16_RULES)
"""TFLite's 16x8 form: its kernels multiply sums of at most 48 bits (`MultiplyByQuantizedMultiplier`)."""

EXPLICIT = NumberFormat("int8", symmetric=True, bias_dtype="float32", bias_limit=float("inf"), rules={}, in_place=False)
"""Rounding that stands in a float graph as QUANTIZE and DEQUANTIZE; TensorRT takes no zero point but 0."""
