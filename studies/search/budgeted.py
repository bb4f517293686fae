"""Models that are judged by budgets, each model once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from detlite.convert.model import Model
from detlite.runtime.progress import Progress
from detlite.studies.search.ruler import Budget, FigureReading

Key = TypeVar("Key", bound=Hashable)


class Budgeted(Generic[Key]):
    """Models by what tells them apart, and how near each comes to all budgets."""

    def __init__(self, model: Callable[[Key], Model], budgets: Sequence[Budget], progress: Progress) -> None:
        """Judge what *model* returns by *budgets*; *progress* is told of each model that is judged."""
        self._model, self._budgets, self._progress = model, budgets, progress
        self._known: dict[Key, tuple[FigureReading, ...]] = {}

    @property
    def count(self) -> int:
        """The number of models that were judged."""
        return len(self._known)

    def readings(self, key: Key) -> tuple[FigureReading, ...]:
        """Return the figure of each budget of the model *key*."""
        if key not in self._known:
            model = self._model(key)
            self._known[key] = tuple(budget.ruler.read(model) for budget in self._budgets)
            self._progress("models judged", self.count, 0)
        return self._known[key]

    def margin(self, key: Key) -> float:
        """Return by how much what is promised of the model *key* is better than required, at the nearest budget."""
        return min(budget.margin(one) for budget, one in zip(self._budgets, self.readings(key), strict=True))

    def best(self) -> Key:
        """Return the model that came nearest to the budgets, of those that were judged."""
        return max(self._known, key=self.margin)

    def shown(self, key: Key) -> str:
        """Return the figures of the model *key* in words, and what they promise."""
        pairs = zip(self._budgets, self.readings(key), strict=True)
        return ", ".join(f"{budget.shown(one)}, which promises {budget.promised(one)}" for budget, one in pairs)

    @property
    def wanted(self) -> str:
        """The budgets in words."""
        return " and ".join(budget.text for budget in self._budgets)
