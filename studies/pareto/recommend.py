"""What to take for a device, and why, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from detlite.runtime.counts import counted
from detlite.runtime.records import Record
from detlite.studies.pareto.front import Group, faster_by, more_accurate_by
from detlite.studies.pareto.rows import BarredFigure, CellRow
from detlite.studies.store.condition import Comparison, Condition


@dataclass(frozen=True, eq=False)
class Recommendation:
    """One device's.

    Attributes:
        device: its name.
        conditions: under which the rows were compared.
        cell: the cell to take; None where none meets the condition.
        reason: why, in one sentence.
        ties: the labels of others that keep the limits and whose accuracy is not distinguishable from its.
        tie_keys: the keys of the same.
    """

    device: str
    conditions: tuple[str, ...]
    cell: CellRow | None
    reason: str
    ties: tuple[str, ...] = ()
    tie_keys: tuple[str, ...] = ()

    def to_record(self) -> Record:
        """Return it as plain data."""
        cell = self.cell
        return {
            "device": self.device,
            "conditions": list(self.conditions),
            "cell": None if cell is None else cell.key,
            "label": None if cell is None else cell.label,
            "facts": {} if cell is None else {name: value for name, value in cell.facts.items() if value is not None},
            "reason": self.reason,
            "ties": list(self.ties),
        }


def recommend(group: Group, condition: Condition) -> Recommendation:
    """Return the most accurate row of *group* that meets *condition*; of equals, the smallest, then the fastest.

    A limit holds if the bad end of a figure's interval keeps it. Two rows are equal where the interval of their paired
    difference in accuracy holds 0.
    """
    counting = [row for row in group.rows if row.counts]
    meeting = [row for row in counting if keeps(row, condition)]
    if not meeting:
        return Recommendation(group.device, group.conditions, None, _why_none(group, counting, condition))
    best = meeting[0]
    equals = [row for row in meeting if more_accurate_by(best, row) <= 0]
    taken = min(equals, key=lambda row: (row.size_bytes or 0, row.latency.value if row.latency else 0.0))
    others = [row for row in equals if row is not taken]
    ties = tuple(row.label for row in others)
    why = _why(taken, ties, len(meeting), condition) + _faster_than(taken, others)
    return Recommendation(group.device, group.conditions, taken, why, ties, tuple(row.key for row in others))


def keeps(row: CellRow, condition: Condition) -> bool:
    """Return whether the bad ends of *row*'s intervals meet *condition*."""
    return all(_bad_end(one, row).holds(row.facts) for one in condition.comparisons)


def _bad_end(one: Comparison, row: CellRow) -> Comparison:
    """Return *one* about the end of the interval that is the worse for it, if the fact has an interval."""
    if one.sign not in ("<", "<=", ">", ">="):
        return one
    stem, unit = (one.name[:-3], "_ms") if one.name.endswith("_ms") else (one.name, "")
    name = f"{stem}_{'high' if one.sign[0] == '<' else 'low'}{unit}"
    return replace(one, name=name) if row.facts.get(name) is not None else one


def _why(taken: CellRow, ties: Sequence[str], count: int, condition: Condition) -> str:
    limits = condition_text(condition)
    among = counted(count, "cell") + (f" within {limits}" if limits else "")
    text = f"Take {taken.label}: {figures_text(taken)}."
    if not ties:
        return f"{text} It is the most accurate of {among}."
    shown = ", ".join(ties[:3]) + (f" and {len(ties) - 3} more" if len(ties) > 3 else "")
    return f"{text} It is the smallest of those that are not distinguishable in {taken.metric} ({shown}), of {among}."


def _faster_than(taken: CellRow, others: Sequence[CellRow]) -> str:
    """Return a sentence on the fastest of *others* if it is clearly faster than *taken*, else ""."""
    faster = [row for row in others if row.latency is not None and faster_by(row, taken) > 0]
    if not faster:
        return ""
    best = min(faster, key=lambda row: row.latency.value if row.latency else 0.0)
    return f" The fastest of them is {best.label}: {figures_text(best)}."


def _why_none(group: Group, counting: Sequence[CellRow], condition: Condition) -> str:
    if counting:
        return f"No cell of {len(counting)} keeps {condition_text(condition)} with the bad end of its interval."
    marks = {row.mark for row in group.rows if row.mark}
    if marks:
        return f"The device is {' and '.join(sorted(marks))}: its figures recommend nothing."
    return f"No cell of {len(group.rows)} counts: every measurement is INVALID."


def figures_text(row: CellRow) -> str:
    """Return the figures of *row* in words: accuracy, latency and size."""
    parts = []
    if row.accuracy is not None:
        parts.append(f"{row.metric} {_text(row.accuracy)} %")
    if row.latency is not None:
        parts.append(f"{row.latency_name.removesuffix('_ms').replace('_', ' ')} {_text(row.latency)} ms")
    if row.size_bytes is not None:
        parts.append(f"{row.size_bytes / 1e6:.1f} MB")
    return ", ".join(parts)


def condition_text(condition: Condition) -> str:
    """Return *condition* in words."""
    parts = [
        f"{one.name} {one.sign} {one.value if isinstance(one.value, str) else f'{one.value:g}'}"
        for one in condition.comparisons
    ]
    return " and ".join(parts)


def _text(figure: BarredFigure) -> str:
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.1f}, {figure.high:.1f}]"
    return f"{figure.value:.1f}{interval}"
