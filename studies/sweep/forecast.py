"""What a sweep would do: the cells, which are done, and how long the rest takes, estimated from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detlite.runtime.counts import counted
from detlite.runtime.records import Record, to_record
from detlite.studies.store.store import Store
from detlite.studies.sweep.engine import done_stages
from detlite.studies.sweep.graph import SweepGraph


@dataclass(frozen=True)
class CellState:
    """One cell: `state` is done, or how many of its stages are to run."""

    key: str
    label: str
    state: str


@dataclass(frozen=True)
class Forecast:
    """What a sweep would do.

    Attributes:
        cells: each with its state.
        done: how many are done.
        stages_left: how many stages are to run, shared ones once.
        left_s: their duration, one after the other, in seconds; None where no stage of a kind is in the store.
    """

    cells: tuple[CellState, ...]
    done: int
    stages_left: int
    left_s: float | None

    def to_record(self) -> Record:
        """Return it as plain data."""
        record: Record = to_record(self)
        return record


def forecast(graph: SweepGraph, store: Store | None) -> Forecast:
    """Return what a sweep of *graph* would do with *store*; None for a study that is not there yet."""
    done = set() if store is None else done_stages(graph, store)
    missing = graph.missing(done)
    keys = {stage.key for stage in missing}
    cells = []
    for cell in graph.cells:
        left = sum(key in keys for key in graph.of_cell[cell.key])
        cells.append(CellState(cell.key, cell.label, f"{counted(left, 'stage')} to run" if left else "done"))
    durations = {} if store is None else store.durations_s()
    left_s = _left_s([stage.kind for stage in missing], durations)
    return Forecast(tuple(cells), sum(one.state == "done" for one in cells), len(missing), left_s)


def _left_s(kinds: list[str], durations: Mapping[str, float]) -> float | None:
    if any(kind not in durations for kind in kinds):
        return None
    return sum(durations[kind] for kind in kinds)
