"""Quantization ranges from training: their names in a checkpoint, and the grid of values that 8 bits represent.

Source: TensorFlow 1.15, `contrib.quantize`, and `FakeQuantWithMinMaxVars` (Jacob et al., CVPR 2018, section 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

WEIGHTS = "weights_quant"
ACTIVATION = "act_quant"
RESIDUAL = "post_activation_bypass_quant"
SUM = "activation_AddV2_quant"
LAYER = "layer"
NO_RANGE = ""
"""Kinds of ranges: of folded weights, an operator's output, a residual block, any other sum, one Keras layer; none."""

OLDER_NAMES = {SUM: "activation_Add_quant"}
"""Names before TensorFlow 1.15."""

MIN_WIDTH = 1e-6
"""The smallest width of a range: a layer whose output is always 0 would otherwise have no scale."""

QAT_MEAN, QAT_STD = 128.0, 128.0
"""The normalization of quantization-aware models, in steps of 1/128, as in the zoo's quantized archives."""

HIGHEST_STEP = 255
"""The highest step in 8 bits; the lowest is 0, or 1 for weights (narrow range)."""

SCOPE_CHANGES = (
    (re.compile(r"^FeatureExtractor/(MobilenetV1|InceptionV[23])/"), r"FeatureExtractor/\1/\1/"),
    (re.compile(r"^(FeatureExtractor/[^/]+/fpn)/"), r"\1/top_down/"),
)
"""(scope of the variables, scope of the operators) where they differ: ranges are named after the operators."""


def range_names(scope: str, kind: str) -> tuple[str, ...]:
    """Return the possible names in a checkpoint of the range *kind* of the layer *scope*, most likely first."""
    operator_scopes = tuple(pattern.sub(other, scope) for pattern, other in SCOPE_CHANGES if pattern.search(scope))
    kinds = (kind, OLDER_NAMES[kind]) if kind in OLDER_NAMES else (kind,)
    return tuple(f"{place}/{name}" for name in kinds for place in (scope, *operator_scopes))


@dataclass(frozen=True)
class Grid:
    """The values that 8 bits represent: *scale* * (step - *zero*) for the steps *lowest* to 255.

    Attributes:
        scale: the distance between two neighbouring values.
        zero: the step that stands for 0.
        lowest: the lowest step: 1 for weights (narrow range), else 0.
    """

    scale: float
    zero: int
    lowest: int

    @property
    def low(self) -> float:
        """The lowest value that the grid represents."""
        return float(np.float32((self.lowest - self.zero) * self.scale))

    @property
    def high(self) -> float:
        """The highest value that the grid represents."""
        return float(np.float32((HIGHEST_STEP - self.zero) * self.scale))


def grid_of(low: float, high: float, *, narrow: bool = False) -> Grid:
    """Return the grid that fake quantization uses for the range *low* to *high*, shifted so that it contains 0.

    Computed in float32, like the TensorFlow operator.
    """
    lowest = int(narrow)
    scale = np.float32(high - low) / np.float32(HIGHEST_STEP - lowest)
    zero = np.floor(lowest - np.float32(low) / scale + np.float32(0.5))
    return Grid(float(scale), int(np.clip(zero, lowest, HIGHEST_STEP)), lowest)
