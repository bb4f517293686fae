"""How far a sweep is: which stages are left, begun and failed, and which cells that finishes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from detlite.studies.store.entry import DONE
from detlite.studies.sweep.graph import Stage, SweepGraph
from detlite.studies.sweep.run_stage import StageOutcome


@dataclass(frozen=True)
class SweepState:
    """How far a sweep is.

    Attributes:
        cells: how many there are.
        done: how many are finished.
        failed: how many cannot be finished.
        running: how many stages have begun and not ended.
        stages_left: how many stages have not ended yet.
        left_s: about how long the rest takes, in seconds; None before the first stage ended.
    """

    cells: int
    done: int
    failed: int
    running: int
    stages_left: int
    left_s: float | None


class SweepProgress:
    """The stages of one sweep that are left, and what became of the others.

    Attributes:
        left: by key, a stage after the one that it needs.
        failures: how stages ended that failed or were not run, by key.
        ran: how many stages ended in this sweep.
    """

    def __init__(self, graph: SweepGraph, done: set[str]) -> None:
        """Begin the sweep of *graph*, of which the stages *done* are finished."""
        self.left: dict[str, Stage] = {}
        self.failures: dict[str, StageOutcome] = {}
        self.ran = 0
        self._graph = graph
        self._begun: set[str] = set()
        self._begin_s = time.monotonic()
        self._cells: dict[str, list[str]] = {}
        for cell in graph.cells:
            for stage in graph.finals(cell):
                self._cells.setdefault(stage.key, []).append(cell.key)
        self.resume(done)

    def resume(self, done: set[str]) -> None:
        """Go on with what is not *done*, whoever did it, and did not fail."""
        missing = self._graph.missing(done)
        self.left = {stage.key: stage for stage in missing if stage.key not in self.failures}
        self._begun.clear()
        self._open = {cell.key: 0 for cell in self._graph.cells}
        self._failed: set[str] = set()
        for stage in missing:
            for cell in self._cells.get(stage.key, ()):
                self._open[cell] += 1
                if stage.key in self.failures:
                    self._failed.add(cell)
        self._done = sum(not count for count in self._open.values())

    def begin(self, key: str) -> None:
        """Note that a worker began the stage *key*; the stages of other sweeps are ignored."""
        if key in self.left:
            self._begun.add(key)

    def take(self, outcome: StageOutcome) -> None:
        """Note how a stage ended."""
        self.ran += 1
        self.left.pop(outcome.key, None)
        self._begun.discard(outcome.key)
        cells = self._cells.get(outcome.key, ())
        if outcome.status != DONE:
            self.failures[outcome.key] = outcome
            self._failed.update(cells)
            return
        for cell in cells:
            self._open[cell] -= 1
            self._done += not self._open[cell]

    def state(self) -> SweepState:
        """Return how far the sweep is."""
        each_s = (time.monotonic() - self._begin_s) / self.ran if self.ran else None
        left_s = None if each_s is None else each_s * len(self.left)
        counts = (len(self._graph.cells), self._done, len(self._failed), len(self._begun), len(self.left))
        return SweepState(*counts, left_s)
