"""Weights of a checkpoint of quantization-aware training that nobody trained: random, with plausible ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detlite.convert.graph.trained_ranges import WEIGHTS
from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.rebuild.weights.weights import Name, names_of
from detlite.runtime.arrays import Floats

OF_WEIGHTS, OF_ACTIVATIONS = (-0.5, 0.4), (-1.5, 6.0)


class RangedWeights(RandomWeights):
    """Ranges that are asked for are kept by name, without `/min` and `/max`."""

    def __init__(self, *, of_weights: tuple[float, float] = OF_WEIGHTS) -> None:
        super().__init__(0)
        self.of_weights = of_weights
        self.ranges: set[str] = set()

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        first = names_of(name)[0]
        range_name, _, end = first.rpartition("/")
        if end not in ("min", "max"):
            return super().take(name, shape)
        self.ranges.add(range_name)
        bounds = self.of_weights if range_name.endswith(WEIGHTS) else OF_ACTIVATIONS
        return np.asarray(bounds[end == "max"], np.float32)
