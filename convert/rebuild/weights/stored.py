"""Weights that a checkpoint stores, whatever way its keys are made."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.rebuild.weights.fit import Difference, misfit
from detlite.convert.rebuild.weights.left_over import LeftOver, classify
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of, placeholder
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

FLOATS = ("float32", "float16", "bfloat16", "float64")
"""Dtypes that a weight may be stored in; all are handed out as float32."""


@dataclass(frozen=True)
class Variable:
    """What the index of a checkpoint says of one variable.

    Attributes:
        shape: of the whole variable, also where it is stored in slices.
        dtype: TensorFlow's name, such as `float32` or `string`.
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Store:
    """A checkpoint that is open.

    Attributes:
        prefix: what is left of its files' names without `.index`; what an error calls it.
        variables: by key, as the index has them.
        read: the values of a key, from the file; raises `InputError` where they are damaged.
    """

    prefix: Path
    variables: Mapping[str, Variable]
    read: Callable[[str], NDArray[Any]]


class StoredWeights(Weights):
    """Weights out of a `Store`; each is read when it is taken."""

    kind = "checkpoint"
    """What an error calls the way of storing."""

    def __init__(self, store: Store, *, use_moving_averages: bool = False) -> None:
        self._store = store
        self._use_moving_averages = use_moving_averages
        self._asked: dict[str, None] = {}
        self._used: set[str] = set()
        self._differences: dict[str, Difference] = {}

    @abstractmethod
    def key_of(self, name: str) -> str | None:
        """Return the key that *name* is stored under; None where it is not."""

    @abstractmethod
    def average_of(self, key: str) -> str | None:
        """Return the key of the moving average of the variable *key*; None where there is none."""

    @abstractmethod
    def names(self) -> Mapping[str, str]:
        """Return all keys and what a user calls them."""

    def has(self, name: Name) -> bool:
        """Return whether the variable is stored; see `Weights.has`."""
        return self._find(name) is not None

    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        """Return its stored shape; see `Weights.shape_of`."""
        key = self._find(name)
        return None if key is None else self._store.variables[key].shape

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return its values; see `Weights.take`."""
        first, want = names_of(name)[0], tuple(int(side) for side in shape)
        self._asked[first] = None
        key = self._find(name)
        if key is None:
            self._differences[first] = Difference(first, want, None)
            return placeholder(first, want)
        self._used.add(key)
        average = self.average_of(key) if self._use_moving_averages else None
        if average is not None:
            self._used.add(average)
            key = average
        got = self._store.variables[key].shape
        if got != want:
            self._differences[first] = Difference(first, want, got)
            return placeholder(first, want)
        return self._values(key)

    def finish(self, *, config: str = "pipeline.config") -> LeftOver:
        """Return what nobody took; see `Weights.finish`."""
        names = self.names()
        if self._differences:
            differences = tuple(self._differences.values())
            shapes = {name: self._store.variables[key].shape for key, name in names.items()}
            text = misfit(differences, asked=len(self._asked), shapes=shapes)
            raise InputError(f"the {self.kind} {self._store.prefix} does not fit {config}: {text}")
        return classify(name for key, name in names.items() if key not in self._used)

    def _find(self, name: Name) -> str | None:
        return next((key for one in names_of(name) if (key := self.key_of(one)) is not None), None)

    def _values(self, key: str) -> Floats:
        dtype = self._store.variables[key].dtype
        if dtype not in FLOATS:
            raise InputError(
                f"{self._store.prefix}: {self.names()[key]} is of dtype {dtype}; a weight is of {', '.join(FLOATS)}"
            )
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
            values = np.asarray(self._store.read(key)).astype(np.float32)
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            raise InputError(
                f"{self._store.prefix}: {self.names()[key]} holds {bad} values of {values.size} that are NaN or "
                "infinite: the training diverged, or the file is damaged; take an earlier checkpoint"
            )
        return values
