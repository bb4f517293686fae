"""Weights that remember what a network asked for: names and shapes are what ties a network to its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from detlite.convert.rebuild.weights.random import RandomWeights
from detlite.convert.rebuild.weights.weights import Name, names_of
from detlite.runtime.arrays import Floats


class AskedWeights(RandomWeights):
    """Random weights; `shapes` has the shape of each that was asked for, by its first name."""

    def __init__(self) -> None:
        super().__init__(0)
        self.shapes: dict[str, tuple[int, ...]] = {}

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        self.shapes[names_of(name)[0]] = tuple(shape)
        return super().take(name, shape)

    def asked(self, scope: str) -> set[str]:
        """Every name under *scope*, without it."""
        return {name.removeprefix(scope) for name in self.shapes if name.startswith(scope)}
