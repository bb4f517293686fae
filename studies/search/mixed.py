"""Mixed precision under a budget: the fewest float operators that make a model good enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError
from detlite.runtime.progress import Progress, silent
from detlite.studies.search.budgeted import Budgeted
from detlite.studies.search.fewest import fewest
from detlite.studies.search.order import Unit, idle, orders
from detlite.studies.search.ruler import Budget, FigureReading
from detlite.studies.search.shares import Shares, shares_of
from detlite.studies.search.trials import Trials

MOST_SHARE = 0.5
"""Maximum share of float operators; beyond it, the float model is the better choice."""

MOST_DROPPED = 8
"""The most units that are tried without at the end, those with the least error first: each takes a judged model."""


@dataclass(frozen=True)
class Mixed:
    """The result of the search.

    Attributes:
        floating: the names of the operators to leave float; empty if pure int8 is good enough.
        margin: by how much what is promised of the model is better than required.
        readings: the figure of each budget, in their order.
        trials: number of scored models.
        shares: what each rounding costs, which ordered the operators; None if they were not measured.
    """

    floating: tuple[str, ...]
    margin: float
    readings: tuple[FigureReading, ...]
    trials: int
    shares: Shares | None = None


def fewest_floating(trials: Trials, budgets: Sequence[Budget], *, progress: Progress = silent) -> Mixed:
    """Return few operators that must stay float to meet all *budgets*.

    Bisection finds how many are enough from the start of each of `orders`; of the shorter, those that turn out not to
    be needed are removed again. If half of all operators are not enough, no other model is tried.

    Raises:
        FindingError: half of the operators are not enough; the text says how close it came.
    """
    judged: Budgeted[tuple[str, ...]] = Budgeted(trials.model, budgets, progress)
    operators = [operator.name for operator in trials.calibrated.network.operators]
    kept: list[Unit] = []
    shares: Shares | None = None
    if judged.margin(()) < 0:

        def suffices(units: Sequence[Unit]) -> bool:
            return judged.margin(_in_order(operators, units)) >= 0

        shares = None if trials.has_regions else shares_of(trials, progress)
        kept = _shortest(orders(trials, shares, int(MOST_SHARE * len(operators))), suffices)
        if not kept:
            raise _not_met(judged)
        kept = _without_needless(kept, suffices)
        useless = idle(trials.calibrated.network, kept)
        fewer = [unit for unit in kept if unit not in useless]
        kept = fewer if fewer and suffices(fewer) else kept
    floating = _in_order(operators, kept)
    return Mixed(floating, judged.margin(floating), judged.readings(floating), judged.count, shares)


def _shortest(ranked: Sequence[Sequence[Unit]], suffices: Callable[[Sequence[Unit]], bool]) -> list[Unit]:
    """Return the fewest operators from the start of one of *ranked* that suffice; none if half of them do not."""
    best: list[Unit] = []
    for units in ranked:
        fitting = [unit for place, unit in enumerate(units) if not best or _size(units[: place + 1]) < _size(best)]
        count = fewest(len(fitting), partial(_is_enough, fitting, suffices))
        if count is not None:
            best = fitting[:count]
    return best


def _is_enough(units: Sequence[Unit], suffices: Callable[[Sequence[Unit]], bool], count: int) -> bool:
    return suffices(units[:count])


def _size(units: Sequence[Unit]) -> int:
    return sum(map(len, units))


def _in_order(operators: Sequence[str], units: Sequence[Unit]) -> tuple[str, ...]:
    names = {name for unit in units for name in unit}
    return tuple(name for name in operators if name in names)


def _without_needless(units: Sequence[Unit], suffices: Callable[[Sequence[Unit]], bool]) -> list[Unit]:
    """Return *units* without those that are not needed, trying the last ones first, which take least of the error."""
    kept = list(units)
    for unit in list(reversed(units))[:MOST_DROPPED]:
        fewer = [other for other in kept if other != unit]
        if fewer and suffices(fewer):
            kept = fewer
    return kept


def _not_met(judged: Budgeted[tuple[str, ...]]) -> FindingError:
    best = judged.best()
    return FindingError(
        f"{judged.wanted} is out of reach: the best is {judged.shown(best)}, with {counted(len(best), 'operator')} "
        f"float, and at most {MOST_SHARE:.0%} of them are tried; ask for less, judge on more images (--validation), or "
        "use the float model"
    )
