"""The interface through which a network builder reads its weights, whatever their source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from detlite.convert.rebuild.weights.unused_variables import UnusedVariables
from detlite.runtime.arrays import Floats

Name: TypeAlias = str | tuple[str, ...]
"""The name of a variable, or its possible names: the first that exists counts."""

ONES = ("gamma", "moving_variance", "variance")
"""Variables that scale or divide; their placeholder is ones instead of zeros."""


class Weights(ABC):
    """The variables of one detector, read by name while its network is built.

    A missing variable, or one of another shape, does not stop the build: `take` records it and returns a placeholder,
    and `finish` reports all mismatches at once.
    """

    @abstractmethod
    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return the variable *name* as float32 of exactly *shape*; it may be taken more than once.

        Raises:
            InputError: its values are damaged or not finite, or its dtype is not a floating-point one.
        """

    @abstractmethod
    def has(self, name: Name) -> bool:
        """Return whether the variable exists, without taking it."""

    @abstractmethod
    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        """Return the variable's stored shape without taking it; None if it does not exist."""

    @abstractmethod
    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:
        """Return the variables that were not taken; call it at the end of the build.

        Args:
            config: the name, in errors, of the config that the network was built from.

        Raises:
            InputError: variables were missing or had another shape; the message lists the first and the likely reason.
        """


def names_of(name: Name) -> tuple[str, ...]:
    """Return the possible names of a variable."""
    return (name,) if isinstance(name, str) else tuple(name)


def placeholder(name: str, shape: Sequence[int]) -> Floats:
    """Return values that stand in for the missing variable *name*: zeros, or ones if it scales or divides."""
    fill = np.ones if name.rsplit("/", 1)[-1] in ONES else np.zeros
    return fill(tuple(shape), np.float32)
