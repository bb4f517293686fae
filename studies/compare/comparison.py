"""Comparison of two runs: refused if they are not comparable, and judged against their noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.measure.device_mark import mark_of
from detlite.runtime.records import from_record, to_record
from detlite.studies.compare.limits import Limit, parse_limits
from detlite.studies.compare.run_kind import Figure, RunRecord, Span, kind_of

MOST_CLASSES = 5  # of accuracy: those that changed most
ANY = "all"
NOT_JUDGED, INSIDE = "not judged", "inside the noise"
VALIDITY, VALID = "validity", "VALID"

Record = dict[str, Any]


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
        noise: the 95 % interval of second minus first; None if the records do not tell. Of an exact figure, such as the
            size of a file, both ends are the difference.
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
        """The difference in percent of the first; None if that is 0."""
        return 100 * self.difference / abs(self.first.value) if self.first.value else None

    @property
    def verdict(self) -> str:
        """`same`, `not judged` where the noise is not known, `inside the noise`, `better` or `worse`."""
        if self.difference == 0:
            return "same"
        if self.noise is None:
            return NOT_JUDGED
        if self.noise[0] <= 0 <= self.noise[1]:
            return INSIDE
        return "better" if (self.difference > 0) == self.first.higher_is_better else "worse"

    @property
    def is_finding(self) -> bool:
        """Whether it moved further than allowed, and that is not noise; a limit also holds where it is not judged."""
        moved = self.limit is not None and self.limit.is_passed_by(self.first.value, self.second.value)
        return moved and self.verdict != INSIDE

    def to_record(self) -> Record:
        """Return the figure, what follows from it too, as JSON can carry it."""
        return {
            "figure": self.name,
            "mark": self.mark or None,
            "unit": self.first.unit,
            "higher_is_better": self.first.higher_is_better,
            "first": self.first.value,
            "second": self.second.value,
            "difference": self.difference,
            "difference_percent": self.percent,
            "difference_interval": list(self.noise) if self.noise else None,
            "limit": str(self.limit) if self.limit else None,
            "verdict": self.verdict,
            "is_finding": self.is_finding,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Change:
        """Return the change that *record* describes.

        Raises:
            InputError: a value is not what it must be.
        """
        found = from_record(_ChangeRecord, record)
        first, second = (Figure(value, found.unit, found.higher_is_better) for value in (found.first, found.second))
        limits = parse_limits(() if found.limit is None else (f"{found.figure}={found.limit.replace(' ', '')}",))
        return cls(found.figure, first, second, found.difference_interval, next(iter(limits), None), found.mark or "")


@dataclass(frozen=True)
class _ChangeRecord:
    """The keys of a change's record from which the others follow."""

    figure: str
    unit: str
    first: float
    second: float
    higher_is_better: bool = False
    mark: str | None = None
    difference_interval: Span | None = None
    limit: str | None = None


@dataclass(frozen=True)
class RunSide:
    """One of the two runs: the path of its *record*, and which model it is about."""

    record: str
    model_sha256: str | None = None


@dataclass(frozen=True)
class RunComparison:
    """Two runs of one kind: what differs in how they were made, and every figure.

    Attributes:
        kind: of what the two are records of, such as `measurement`: their schema without `detlite.`.
        first: the earlier run, or the one of the reference.
        second: the other.
        different: conditions that are not the same, and were allowed to differ.
        changes: every figure of both.
    """

    kind: str
    first: RunSide
    second: RunSide
    different: tuple[Different, ...]
    changes: tuple[Change, ...]

    @property
    def findings(self) -> tuple[Change, ...]:
        """The changes that are findings."""
        return tuple(change for change in self.changes if change.is_finding)

    def to_record(self) -> Record:
        """Return it as JSON can carry it."""
        return {
            "kind": self.kind,
            "first": to_record(self.first),
            "second": to_record(self.second),
            "different": [to_record(one) for one in self.different],
            "figures": [change.to_record() for change in self.changes],
            "findings": [said(change) for change in self.findings],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RunComparison:
        """Return the comparison that *record* describes.

        Raises:
            InputError: a value is not what it must be.
        """
        found = from_record(_ComparisonRecord, record)
        changes = tuple(map(Change.from_record, found.figures))
        return cls(found.kind, found.first, found.second, found.different, changes)


@dataclass(frozen=True)
class _ComparisonRecord:
    """The keys of a comparison's record from which the others follow."""

    kind: str
    first: RunSide
    second: RunSide
    different: tuple[Different, ...]
    figures: tuple[Mapping[str, Any], ...]


def compare_runs(
    first: RunRecord, second: RunRecord, limits: Sequence[Limit] = (), allowed: Sequence[str] = ()
) -> RunComparison:
    """Return how *second* compares with *first*.

    Args:
        first: the earlier run, or the one of the reference.
        second: the other.
        limits: how far figures may move.
        allowed: conditions that may differ: a place such as `device.governor`, what it begins with, or `all`.

    Raises:
        InputError: they are of two kinds, one is invalid, or they are not comparable.
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
            f"the two runs are not comparable: {refused[0]}{more}; make them alike, or pass --allow-different "
            f"{refused[0].place.split('.')[0]}"
        )
    return RunComparison(
        first.kind, _side(first), _side(second), tuple(different), tuple(_changes(first, second, limits))
    )


def said(change: Change) -> str:
    """Return a finding in one line."""
    verb = "rose" if change.difference > 0 else "fell"
    way = f"from {value_text(change.first)} to {value_text(change.second)}"
    noise = f", 95 % interval {interval_text(change)}" if change.noise else ", noise not known"
    return f"{change.title} {verb} by {change_text(change).lstrip('+-')} ({way}{noise}), allowed is {change.limit}"


def value_text(figure: Figure) -> str:
    """Return *figure* with its unit."""
    number = f"{figure.value:.0f}" if figure.unit == "bytes" else f"{figure.value:.4g}"
    return f"{number} {figure.unit}".strip()


def change_text(change: Change) -> str:
    """Return how far *change* went: in percent of the first, or in points where it is a percentage itself."""
    if change.first.unit == "%" or change.percent is None:
        return f"{change.difference:+.3g}"  # a percent of percents would be misread
    return f"{change.percent:+.1f} %"


def interval_text(change: Change) -> str:
    """Return the 95 % interval of *change* in the same unit; empty if it is not known."""
    if change.noise is None:
        return ""
    low, high = change.noise
    if change.first.unit == "%" or not change.first.value:
        return f"{low:+.3g} to {high:+.3g}"
    scale = 100 / abs(change.first.value)
    return f"{low * scale:+.1f} to {high * scale:+.1f} %"


def _side(run: RunRecord) -> RunSide:
    sha256 = run.at("model_sha256")
    return RunSide(str(run.path), sha256 if isinstance(sha256, str) else None)


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
            # what is shown because it changed most is no fair sample: an interval would call chance a change
            is_picked = not kind.shown(name) and name not in wanted
            span = _exact(*pair) if pair[0].is_exact else None if is_picked else noise.get(name)
            changes += [Change(name, *pair, span, limit, mark) for limit in mine or [None]]
    return changes


def _exact(first: Figure, second: Figure) -> Span:
    difference = second.value - first.value
    return difference, difference


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _places(refused: Sequence[Different]) -> str:
    return ", ".join(one.place for one in refused[:6]) + (" ..." if len(refused) > 6 else "")
