"""A run that was recorded, and its kind: the figures of it, what two runs must share, and how noisy a difference is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from detlite.runtime.errors import InputError
from detlite.runtime.plugins import load_plugin
from detlite.runtime.version import SCHEMA_VERSION

KINDS = "detlite.studies.compare.run_kinds"
LARGEST = 1e18  # in any unit: more is no measurement

Span = tuple[float, float]


class RunResult(Protocol):
    """A run's record, typed."""

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON can carry it, as its current version."""


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        path: the file.
        kind: its schema without `detlite.`, such as `measurement`: the name of a `RunKind`.
        data: its record, of the current version.
        result: the same, typed; None where the kind reads the record as it is.
    """

    path: Path
    kind: str
    data: Mapping[str, Any]
    result: RunResult | None = None

    def at(self, where: str) -> Any:
        """Return the value at *where*, such as `device.processor`; None where there is none."""
        here: Any = self.data
        for key in where.split("."):
            here = here.get(key) if isinstance(here, Mapping) else None
        return here

    def number(self, where: str) -> float | None:
        """Return the number at *where*, None where there is none; `InputError` where it is no finite number."""
        value = self.at(where)
        return None if value is None else self._finite(value, where)

    def numbers(self, where: str) -> tuple[float, ...] | None:
        """Return the numbers at *where*, None where there are none; `InputError` where it is no list of numbers."""
        values = self.at(where)
        if values is None:
            return None
        if not isinstance(values, list):
            raise self.wrong(f"{where} is no list of numbers")
        return tuple(self._finite(value, where) for value in values)

    def wrong(self, what: str) -> InputError:
        """Return the error that the record is damaged."""
        return InputError(f"{self.path} is no run record that detlite wrote: {what}")

    def _finite(self, value: object, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
            raise self.wrong(f"{where} holds {str(value)[:40]!r}, want a number")
        return float(value)


@dataclass(frozen=True)
class Figure:
    """A number of a run, in its *unit*; *higher_is_better*, or lower; *is_exact* if another run would not change it."""

    value: float
    unit: str
    higher_is_better: bool = False
    is_exact: bool = field(default=False, compare=False)  # the interval of a change says it


@dataclass(frozen=True)
class RunKind:
    """One kind of run; its name is its file's name, which is its schema's.

    Attributes:
        figures: every figure of a record by its name, in the order to show.
        shown: which of them to show when nothing is asked for, by what is there.
        conditions: what must be the same in two runs, by its place in the record, such as `device.processor`.
        noise: by figure, the 95 % interval of the second's minus the first's, as far as the records tell.
        versions: the versions of the schema that are read.
        read: makes the typed result of a record of one of these; raises `InputError` where it is damaged. None: the
            record is used as it is.
    """

    figures: Callable[[RunRecord], Mapping[str, Figure]]
    shown: Callable[[str], bool]
    conditions: Callable[[RunRecord], Mapping[str, Any]]
    noise: Callable[[RunRecord, RunRecord], Mapping[str, Span]]
    versions: tuple[int, ...] = (SCHEMA_VERSION,)
    read: Callable[[Mapping[str, Any]], RunResult] | None = None


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
