"""Mixed precision under a budget: the fewest float operators that make a model good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detlite.runtime.errors import FindingError
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.order import Unit, orders
from detlite.studies.search.ruler import Budget, FigureReading
from detlite.studies.search.trials import Trials

MOST_SHARE = 0.5
"""Maximum share of float operators; beyond it, the float model is the better choice."""


@dataclass(frozen=True)
class Mixed:
    """The result of the search.

    Attributes:
        floating: the names of the operators to leave float; empty if pure int8 is good enough.
        margin: by how much what is promised of the model is better than required.
        readings: the figure of each budget, in their order.
        trials: number of scored models.
    """

    floating: tuple[str, ...]
    margin: float
    readings: tuple[FigureReading, ...]
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
        return Mixed((), margin, search.readings(()), search.count)
    found = [order[:count] for order in orders(trials, progress) if (count := search.enough(order))]
    if not found:
        raise search.not_met()
    kept = search.without_needless(min(found, key=_size))
    floating = tuple(name for unit in kept for name in unit)
    return Mixed(floating, search.margin(kept), search.readings(kept), search.count)


def _size(found: Sequence[Unit]) -> int:
    return sum(len(unit) for unit in found)


class _Search:
    """Scored models, each scored once."""

    def __init__(self, trials: Trials, budgets: Sequence[Budget], progress: Progress) -> None:
        self._trials, self._budgets, self._progress = trials, budgets, progress
        self._known: dict[tuple[str, ...], tuple[FigureReading, ...]] = {}

    @property
    def count(self) -> int:
        return len(self._known)

    def margin(self, units: Sequence[Unit]) -> float:
        """Return the smallest margin of the model with these units float."""
        return self._margin(self.readings(units))

    def readings(self, units: Sequence[Unit]) -> tuple[FigureReading, ...]:
        """Return the figure of each budget of the model with these units float."""
        key = tuple(sorted(name for unit in units for name in unit))
        if key not in self._known:
            model = self._trials.model(key)
            self._known[key] = tuple(budget.ruler.read(model) for budget in self._budgets)
            self._progress("mixed models scored", self.count, 0)
        return self._known[key]

    def _margin(self, readings: Sequence[FigureReading]) -> float:
        return min(budget.margin(one) for budget, one in zip(self._budgets, readings, strict=True))

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
        best = max(self._known, key=lambda key: self._margin(self._known[key]))
        pairs = zip(self._budgets, self._known[best], strict=True)
        reached = ", ".join(f"{budget.shown(one)}, which promises {budget.promised(one)}" for budget, one in pairs)
        wanted = " and ".join(budget.text for budget in self._budgets)
        return FindingError(
            f"{wanted} is out of reach: the best is {reached}, with {len(best)} operators float, and at most "
            f"{MOST_SHARE:.0%} of them are tried; ask for less, judge on more images (--validation), or use the float "
            "model"
        )
