"""Which cells are worth having: those that no other one clearly dominates, on one device under the same conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.studies.pareto.rows import CellRow

LEVEL = 95.0


@dataclass(frozen=True, eq=False)
class Group:
    """The rows that may be compared: of one device, measured and scored alike.

    Attributes:
        device: its name.
        conditions: what the rows share.
        rows: all of them, the most accurate first.
        front: the keys of those that no row clearly dominates.
    """

    device: str
    conditions: tuple[str, ...]
    rows: tuple[CellRow, ...]
    front: frozenset[str]


def groups_of(rows: Sequence[CellRow]) -> tuple[Group, ...]:
    """Return the groups of the *rows* that have an accuracy and a latency, by device."""
    found: dict[tuple[str, tuple[str, ...]], list[CellRow]] = {}
    for row in rows:
        if row.is_placed:
            found.setdefault((row.device, row.conditions), []).append(row)
    return tuple(_group(device, conditions, each) for (device, conditions), each in sorted(found.items()))


def _group(device: str, conditions: tuple[str, ...], rows: Sequence[CellRow]) -> Group:
    ordered = tuple(sorted(rows, key=lambda row: (-_accuracy(row), row.label)))
    judges = [row for row in ordered if row.counts]
    front = {row.key for row in ordered if row.counts and not any(dominates(one, row) for one in judges)}
    return Group(device, conditions, ordered, frozenset(front))


def dominates(one: CellRow, other: CellRow) -> bool:
    """Return whether *one* is clearly better than *other* in accuracy or speed, and not worse in the other."""
    faster, more_accurate = faster_by(one, other), more_accurate_by(one, other)
    return faster >= 0 and more_accurate >= 0 and faster + more_accurate > 0 and _not_worse(one, other)


def faster_by(one: CellRow, other: CellRow) -> int:
    """Return 1 where *one* is clearly faster than *other*, -1 where it is clearly slower, 0 where that is not known.

    Clearly: the intervals of the two latencies do not overlap; without intervals, the values decide.
    """
    assert one.latency is not None  # rows of a group have both
    assert other.latency is not None
    ours, theirs = one.latency, other.latency
    if (ours.high or ours.value) < (theirs.low or theirs.value):
        return 1
    return -1 if (theirs.high or theirs.value) < (ours.low or ours.value) else 0


def more_accurate_by(one: CellRow, other: CellRow) -> int:
    """Return 1 where *one* is clearly more accurate than *other*, -1 where clearly less, 0 where that is not known.

    Clearly: the 95 % interval of the paired difference, both scored on the same draws of the images, leaves out 0.
    Without draws the values decide.
    """
    if len(one.draws) and len(one.draws) == len(other.draws):
        differences = one.draws - other.draws
        low, high = np.nanpercentile(differences, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
        return int(low > 0) - int(high < 0)
    return int(np.sign(_accuracy(one) - _accuracy(other)))


def _not_worse(one: CellRow, other: CellRow) -> bool:
    assert one.latency is not None
    assert other.latency is not None
    return one.latency.value <= other.latency.value and _accuracy(one) >= _accuracy(other)


def _accuracy(row: CellRow) -> float:
    assert row.accuracy is not None
    return row.accuracy.value
