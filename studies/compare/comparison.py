"""Two runs held against each other: refused where they were not made alike, and judged against their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.measure.device_mark import mark_of
from detlite.studies.compare.limits import Limit
from detlite.studies.compare.record import RunRecord
from detlite.studies.compare.run_kind import Figure, Span, kind_of

MOST_CLASSES = 5  # of accuracy: those that changed most
ANY = "all"
VALIDITY, VALID = "validity", "VALID"


@dataclass(frozen=True)
class Different:
    """A condition, by its place in the record, that is not the same in both runs."""

    place: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"{self.place}: {_short(self.first)} and {_short(self.second)}"


@dataclass(frozen=True)
class Change:
    """One figure in both runs.

    Attributes:
        name: of the figure.
        first: in the first run.
        second: in the second.
        noise: the 95 % interval of second minus first; None where the records do not tell.
        limit: what was allowed; None where nothing was said.
        mark: `emulated` or `simulated`, where a run was of no real device: its figures are not shown without.
    """

    name: str
    first: Figure
    second: Figure
    noise: Span | None
    limit: Limit | None = None
    mark: str = ""

    @property
    def title(self) -> str:
        """The name as it is shown."""
        return f"{self.mark} {self.name}".strip()

    @property
    def difference(self) -> float:
        """Second minus first, in the figure's unit."""
        return self.second.value - self.first.value

    @property
    def percent(self) -> float | None:
        """The difference in percent of the first; None where that is 0."""
        return 100 * self.difference / abs(self.first.value) if self.first.value else None

    @property
    def verdict(self) -> str:
        """`same`, `inside the noise`, `better` or `worse`; the last two also where the noise is not known."""
        if self.difference == 0:
            return "same"
        if self.noise is not None and self.noise[0] <= 0 <= self.noise[1]:
            return "inside the noise"
        return "better" if (self.difference > 0) == self.first.higher_is_better else "worse"

    @property
    def is_finding(self) -> bool:
        """Whether it moved further than allowed, and that is not noise."""
        moved = self.limit is not None and self.limit.is_passed_by(self.first.value, self.second.value)
        return moved and self.verdict != "inside the noise"


@dataclass(frozen=True)
class Comparison:
    """Two runs of one kind: what differs in how they were made, and every figure."""

    first: RunRecord
    second: RunRecord
    different: tuple[Different, ...]
    changes: tuple[Change, ...]

    @property
    def findings(self) -> tuple[Change, ...]:
        """The changes that are findings."""
        return tuple(change for change in self.changes if change.is_finding)


def compare_runs(
    first: RunRecord, second: RunRecord, limits: Sequence[Limit] = (), allowed: Sequence[str] = ()
) -> Comparison:
    """Return how *second* compares with *first*.

    Args:
        first: the earlier run, or the one of the reference.
        second: the other.
        limits: how far figures may move.
        allowed: conditions that may differ: a place such as `device.governor`, what it begins with, or `all`.

    Raises:
        InputError: they are of two kinds, one is invalid, or they were not made alike.
        UnknownNameError: a limit is about a figure that the runs do not have.
    """
    if first.kind != second.kind:
        raise InputError(f"{first.path} is a record of {first.kind}, {second.path} of {second.kind}: want two alike")
    for run in (first, second):
        validity = run.at(VALIDITY)
        if validity not in (None, VALID) and not _is_allowed(VALIDITY, allowed):
            raise InputError(f"{run.path} is {validity}: measure again, or say --allow-different {VALIDITY}")
    different = _different(first, second)
    refused = [one for one in different if not _is_allowed(one.place, allowed)]
    if refused:
        more = f" and {len(refused) - 1} more ({_places(refused[1:])})" if len(refused) > 1 else ""
        raise InputError(
            f"the two runs were not made alike: {refused[0]}{more}; make them alike, or say --allow-different "
            f"{refused[0].place.split('.')[0]}"
        )
    return Comparison(first, second, tuple(different), tuple(_changes(first, second, limits)))


def _different(first: RunRecord, second: RunRecord) -> list[Different]:
    kind = kind_of(first)
    before, after = kind.conditions(first), kind.conditions(second)
    places = list(dict.fromkeys((*before, *after)))
    found = [Different(p, before.get(p), after.get(p)) for p in places if before.get(p) != after.get(p)]
    before_it, after_it = first.at(VALIDITY), second.at(VALIDITY)
    invalid = any(validity not in (None, VALID) for validity in (before_it, after_it))
    return [Different(VALIDITY, before_it, after_it), *found] if invalid else found


def _is_allowed(place: str, allowed: Sequence[str]) -> bool:
    return any(one == ANY or place == one or place.startswith(f"{one}.") for one in allowed)


def _changes(first: RunRecord, second: RunRecord, limits: Sequence[Limit]) -> list[Change]:
    kind = kind_of(first)
    before, after = kind.figures(first), kind.figures(second)
    both = [name for name in before if name in after]
    for limit in limits:
        if limit.name not in both:
            raise unknown_name("figure of both runs", limit.name, both)
    wanted = {limit.name for limit in limits}
    others = sorted(
        (name for name in both if not kind.shown(name)), key=lambda name: -abs(after[name].value - before[name].value)
    )[:MOST_CLASSES]
    noise, changes = kind.noise(first, second), []
    mark = mark_of(first.data) or mark_of(second.data)
    for name in both:
        mine: list[Limit | None] = [limit for limit in limits if limit.name == name]
        if kind.shown(name) or name in others or name in wanted:
            pair = before[name], after[name]
            changes += [Change(name, *pair, noise.get(name), limit, mark) for limit in mine or [None]]
    return changes


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _places(refused: Sequence[Different]) -> str:
    return ", ".join(one.place for one in refused[:6]) + (" ..." if len(refused) > 6 else "")
