"""What the builder of a network asks for its weights; where they come from, it does not know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from detlite.convert.rebuild.weights.left_over import LeftOver
from detlite.runtime.arrays import Floats

Name: TypeAlias = str | tuple[str, ...]
"""A variable's name, or the names that it may have: the first one that is there counts."""

ONES = ("gamma", "moving_variance", "variance")
"""Variables that divide or scale: ones stand for them where zeros stand for the others."""


class Weights(ABC):
    """The variables of one detector, handed out by name while its network is built.

    A variable that is missing, or has another shape, does not stop the build: `take` notes it and hands out a
    placeholder, and `finish` tells all differences at once.
    """

    @abstractmethod
    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return the variable *name*, float32, of exactly *shape*; asking twice is allowed.

        Raises:
            InputError: its values are damaged, no finite numbers, or of a dtype that no weight has.
        """

    @abstractmethod
    def has(self, name: Name) -> bool:
        """Return whether the variable is there, without taking it."""

    @abstractmethod
    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        """Return the shape of the variable as it is there, without taking it; None where it is not."""

    @abstractmethod
    def finish(self, *, config: str = "pipeline.config") -> LeftOver:
        """Return what nobody took; the build is over.

        Args:
            config: what an error calls that which the network was built from.

        Raises:
            InputError: variables were missing or had another shape: the first of them, and what may be the reason.
        """


def names_of(name: Name) -> tuple[str, ...]:
    """Return the names that a variable may have."""
    return (name,) if isinstance(name, str) else tuple(name)


def placeholder(name: str, shape: Sequence[int]) -> Floats:
    """Return values to go on with where the variable *name* is not there: zeros, or ones where it scales."""
    fill = np.ones if name.rsplit("/", 1)[-1] in ONES else np.zeros
    return fill(tuple(shape), np.float32)
