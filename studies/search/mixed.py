"""Mixed precision under a budget: the fewest float operators that make a model good enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detlite.convert.model import Model
from detlite.runtime.errors import FindingError
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.order import Unit, orders
from detlite.studies.search.trials import Trials

MOST_SHARE = 0.5
"""Maximum share of float operators; beyond it, the float model is the better choice."""


@dataclass(frozen=True)
class Budget:
    """A requirement on a model.

    Attributes:
        text: in words, with its number: `a fidelity of at least 97`.
        shown: the text of a measured value: `a fidelity of 96.31`.
        margin: by how much a model exceeds the requirement: at least 0 if it is good enough.
    """

    text: str
    shown: Callable[[float], str]
    margin: Callable[[Model], float]


@dataclass(frozen=True)
class Mixed:
    """The result of the search.

    Attributes:
        floating: the names of the operators to leave float; empty if pure int8 is good enough.
        margin: the model's margin.
        trials: number of scored models.
    """

    floating: tuple[str, ...]
    margin: float
    trials: int


def fewest_floating(trials: Trials, budgets: Sequence[Budget], *, progress: Progress = silent) -> Mixed:
    """Return the fewest operators that must stay float to meet all *budgets*.

    In each of `orders`, doubling and bisection find the smallest sufficient number, and the shortest result is used;
    then operators that turn out not to be needed are removed again.

    Raises:
        FindingError: half of the operators are not enough; the text says how close it came.
    """
    search = _Search(trials, budgets, progress)
    margin = search.margin(())
    if margin >= 0:
        return Mixed((), margin, search.count)
    found = [order[:count] for order in orders(trials, progress) if (count := search.enough(order))]
    if not found:
        raise search.not_met()
    kept = search.without_needless(min(found, key=_size))
    return Mixed(tuple(name for unit in kept for name in unit), search.margin(kept), search.count)


def _size(found: Sequence[Unit]) -> int:
    return sum(len(unit) for unit in found)


class _Search:
    """Scored models, each scored once."""

    def __init__(self, trials: Trials, budgets: Sequence[Budget], progress: Progress) -> None:
        self._trials, self._budgets, self._progress = trials, budgets, progress
        self._known: dict[tuple[str, ...], float] = {}

    @property
    def count(self) -> int:
        return len(self._known)

    def margin(self, units: Sequence[Unit]) -> float:
        """Return the smallest margin of the model with these units float."""
        key = tuple(sorted(name for unit in units for name in unit))
        if key not in self._known:
            model = self._trials.model(key)
            self._known[key] = min(budget.margin(model) for budget in self._budgets)
            self._progress("mixed models scored", self.count, 0)
        return self._known[key]

    def enough(self, order: Sequence[Unit]) -> int | None:
        """Return how many units from the start of *order* are enough; None if no allowed number is."""
        most, count = max(1, int(MOST_SHARE * len(order))), 1
        while self.margin(order[:count]) < 0:
            if count == most:
                return None
            count = min(2 * count, most)
        low, high = count // 2, count
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.margin(order[:middle]) >= 0 else (middle, high)
        return high

    def without_needless(self, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Return *units* without those that are not needed, trying the least useful first."""
        kept = list(units)
        for unit in reversed(units):
            fewer = [other for other in kept if other != unit]
            if fewer and self.margin(fewer) >= 0:
                kept = fewer
        return tuple(kept)

    def not_met(self) -> FindingError:
        """Return the message for a budget that cannot be met."""
        best = max(self._known, key=lambda key: self._known[key])
        model = self._trials.model(best)
        reached = ", ".join(budget.shown(budget.margin(model)) for budget in self._budgets)
        wanted = " and ".join(budget.text for budget in self._budgets)
        return FindingError(
            f"{wanted} is out of reach: the best is {reached}, with {len(best)} operators float, and at most "
            f"{MOST_SHARE:.0%} of them are tried; ask for less, or use the float model"
        )
