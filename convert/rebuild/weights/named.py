"""TensorFlow 1 checkpoints: each variable is stored under its name."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.rebuild.weights.stored import StoredWeights

AVERAGE = "/ExponentialMovingAverage"


class NamedWeights(StoredWeights):
    """The variables of a name-based checkpoint, of format V2 or V1.

    With moving averages, `<name>/ExponentialMovingAverage` is read where it is there, else `<name>`: as
    `eval_config.use_moving_averages` has the OD API do it.
    """

    kind = "name-based checkpoint"

    def key_of(self, name: str) -> str | None:
        """Return *name* if a variable is called so; with moving averages, its average alone is enough."""
        if name in self._store.variables:
            return name
        return self.average_of(name) if self._use_moving_averages else None

    def average_of(self, key: str) -> str | None:
        """Return the name of the average of the variable *key*."""
        return key + AVERAGE if key + AVERAGE in self._store.variables else None

    def names(self) -> Mapping[str, str]:
        """Return the names, which are the keys."""
        return {key: key for key in self._store.variables}
