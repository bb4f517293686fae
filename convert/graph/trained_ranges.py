"""Trained quantization ranges: what they are called in a checkpoint, and the values that 8 bits can hold.

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
NOTHING = ""
"""Kinds of ranges: of folded weights, of what a layer returns, of a residual block, of any other sum; none."""

OLDER = {SUM: "activation_Add_quant"}
"""What TensorFlow called them before 1.15."""

NARROWEST = 1e-6
"""How wide a range is at least: that of a layer whose output is always 0 has no scale otherwise."""

STEPS = 255
"""Of 8 bits; one less where weights keep off the lowest value."""

MOVES = (
    (re.compile(r"^FeatureExtractor/(MobilenetV1|InceptionV[23])/"), r"FeatureExtractor/\1/\1/"),
    (re.compile(r"^(FeatureExtractor/[^/]+/fpn)/"), r"\1/top_down/"),
)
"""Scopes of variables, and of operators where they differ: ranges are called after the operators."""


def places_of(scope: str, kind: str) -> tuple[str, ...]:
    """Return where the range *kind* of the layer *scope* may stand in a checkpoint, the likeliest first."""
    moved = tuple(begins.sub(other, scope) for begins, other in MOVES if begins.search(scope))
    kinds = (kind, OLDER[kind]) if kind in OLDER else (kind,)
    return tuple(f"{place}/{name}" for name in kinds for place in (scope, *moved))


@dataclass(frozen=True)
class Grid:
    """The values that 8 bits can hold: *scale* * (step - *zero*) for the steps *lowest* to 255.

    Attributes:
        scale: between two of them.
        zero: the step that is 0.
        lowest: 1 for weights (narrow range), else 0.
    """

    scale: float
    zero: int
    lowest: int

    @property
    def low(self) -> float:
        """The lowest value."""
        return float(np.float32((self.lowest - self.zero) * self.scale))

    @property
    def high(self) -> float:
        """The highest value."""
        return float(np.float32((STEPS - self.zero) * self.scale))


def grid_of(low: float, high: float, *, narrow: bool = False) -> Grid:
    """Return the grid that fake quantization makes of the range *low* to *high*: shifted until 0 is on it.

    The arithmetic is that of the operator, in float32.
    """
    lowest = int(narrow)
    scale = np.float32(high - low) / np.float32(STEPS - lowest)
    zero = np.floor(lowest - np.float32(low) / scale + np.float32(0.5))
    return Grid(float(scale), int(np.clip(zero, lowest, STEPS)), lowest)
