"""A kind of run: its figures, what must be the same in two runs, and how sure the difference of a figure is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from detlite.runtime.plugins import load_plugin
from detlite.studies.compare.record import RunRecord

KINDS = "detlite.studies.compare.run_kinds"

Span = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """A number of a run, in its *unit*; *higher_is_better*, or lower."""

    value: float
    unit: str
    higher_is_better: bool = False


@dataclass(frozen=True)
class RunKind:
    """One kind of run; its name is its file's name, which is its schema's.

    Attributes:
        figures: every figure of a record by its name, in the order to show.
        shown: which of them to show when nothing is asked for, by what is there.
        conditions: what must be the same in two runs, by its place in the record, such as `device.processor`.
        noise: by figure, the 95 % interval of the second's minus the first's, as far as the records tell.
    """

    figures: Callable[[RunRecord], Mapping[str, Figure]]
    shown: Callable[[str], bool]
    conditions: Callable[[RunRecord], Mapping[str, Any]]
    noise: Callable[[RunRecord, RunRecord], Mapping[str, Span]]


def kind_of(record: RunRecord) -> RunKind:
    """Return the kind of *record*."""
    kind: RunKind = load_plugin(KINDS, record.kind)
    return kind


def flat(record: RunRecord, where: str) -> dict[str, Any]:
    """Return the values below *where*, by their places in the record; without any, nothing."""
    here = record.at(where)
    found: dict[str, Any] = {}
    if isinstance(here, Mapping):
        for key in here:
            found |= flat(record, f"{where}.{key}") if "." not in str(key) else {f"{where}.{key}": here[key]}
    elif here is not None:
        found[where] = here
    return found
