"""Weights stored in a checkpoint: what name-based (TF1) and object-based (TF2) checkpoints share, and TF1's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.rebuild.weights.mismatch import Mismatch, describe
from detlite.convert.rebuild.weights.unused_variables import UnusedVariables, classify
from detlite.convert.rebuild.weights.weights import Name, Weights, names_of, placeholder
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

FLOATS = ("float32", "float16", "bfloat16", "float64")
"""The dtypes that a weight may be stored in; all are converted to float32."""

AVERAGE = "/ExponentialMovingAverage"


@dataclass(frozen=True)
class Variable:
    """A variable as the index of a checkpoint describes it.

    Attributes:
        shape: the shape of the whole variable, even if it is stored in pieces.
        dtype: TensorFlow's name of the dtype, such as `float32` or `string`.
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An open checkpoint.

    Attributes:
        prefix: the path of its index without `.index`; errors use it as the checkpoint's name.
        variables: the variables by key.
        read: returns the values of a key from the file; raises `InputError` if they are damaged.
    """

    prefix: Path
    variables: Mapping[str, Variable]
    read: Callable[[str], NDArray[Any]]


class StoredWeights(Weights):
    """Weights from a `Checkpoint`; each variable is read when it is taken."""

    kind = "checkpoint"
    """The kind of checkpoint, for errors."""

    def __init__(self, checkpoint: Checkpoint, *, use_moving_averages: bool = False) -> None:
        self._checkpoint = checkpoint
        self._use_moving_averages = use_moving_averages
        self._requested: set[str] = set()
        self._used: set[str] = set()
        self._mismatches: dict[str, Mismatch] = {}

    @abstractmethod
    def key_of(self, name: str) -> str | None:
        """Return the key that *name* is stored under, or None if it is not stored."""

    @abstractmethod
    def average_of(self, key: str) -> str | None:
        """Return the key of the moving average of the variable *key*, or None if it has none."""

    @abstractmethod
    def names(self) -> Mapping[str, str]:
        """Return the name of every key, as a user knows it."""

    def has(self, name: Name) -> bool:
        """Return whether the variable is stored; see `Weights.has`."""
        return self._find(name) is not None

    def shape_of(self, name: Name) -> tuple[int, ...] | None:
        """Return its stored shape; see `Weights.shape_of`."""
        key = self._find(name)
        return None if key is None else self._checkpoint.variables[key].shape

    def take(self, name: Name, shape: Sequence[int]) -> Floats:
        """Return its values; see `Weights.take`."""
        first, expected = names_of(name)[0], tuple(int(side) for side in shape)
        self._requested.add(first)
        key = self._find(name)
        if key is None:
            self._mismatches[first] = Mismatch(first, expected, None)
            return placeholder(first, expected)
        self._used.add(key)
        average = self.average_of(key) if self._use_moving_averages else None
        if average is not None:
            self._used.add(average)
            key = average
        stored = self._checkpoint.variables[key].shape
        if stored != expected:
            self._mismatches[first] = Mismatch(first, expected, stored)
            return placeholder(first, expected)
        return self._values(key)

    def finish(self, *, config: str = "pipeline.config") -> UnusedVariables:
        """Return the variables that were not taken; see `Weights.finish`."""
        names = self.names()
        if self._mismatches:
            shapes = {name: self._checkpoint.variables[key].shape for key, name in names.items()}
            text = describe(tuple(self._mismatches.values()), requested=len(self._requested), shapes=shapes)
            raise InputError(f"the {self.kind} {self._checkpoint.prefix} does not fit {config}: {text}")
        return classify(name for key, name in names.items() if key not in self._used)

    def _find(self, name: Name) -> str | None:
        return next((key for one in names_of(name) if (key := self.key_of(one)) is not None), None)

    def _values(self, key: str) -> Floats:
        dtype = self._checkpoint.variables[key].dtype
        if dtype not in FLOATS:
            raise InputError(
                f"{self._checkpoint.prefix}: {self.names()[key]} has the dtype {dtype}; want one of {', '.join(FLOATS)}"
            )
        with np.errstate(over="ignore"):  # a float64 beyond the range of float32 becomes infinite and is refused below
            values = np.asarray(self._checkpoint.read(key)).astype(np.float32)
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad:
            raise InputError(
                f"{self._checkpoint.prefix}: {bad} of {values.size} values of {self.names()[key]} are NaN or "
                "infinite: the training diverged, or the file is damaged; use an earlier checkpoint"
            )
        return values


class NamedWeights(StoredWeights):
    """The variables of a name-based checkpoint (TensorFlow 1), whose keys are the names of the variables.

    With moving averages, `<name>/ExponentialMovingAverage` is read if it is stored, else `<name>`, as the OD API does
    with `eval_config.use_moving_averages`.
    """

    kind = "name-based checkpoint"

    def key_of(self, name: str) -> str | None:
        """Return *name* if it is stored; with moving averages, the key of its average is enough."""
        if name in self._checkpoint.variables:
            return name
        return self.average_of(name) if self._use_moving_averages else None

    def average_of(self, key: str) -> str | None:
        """Return the key of the moving average of the variable *key*, or None."""
        return key + AVERAGE if key + AVERAGE in self._checkpoint.variables else None

    def names(self) -> Mapping[str, str]:
        """Return every key as its own name."""
        return {key: key for key in self._checkpoint.variables}


class StateDictWeights(NamedWeights):
    """The tensors of a PyTorch file, whose keys are their names in the state dict."""

    kind = "PyTorch file"
