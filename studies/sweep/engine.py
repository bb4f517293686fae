"""The engine: the missing stages of a sweep as tasks of dask, each keyed by its content; failures are collected."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.records import from_record, to_record
from detlite.studies.store.entry import DONE
from detlite.studies.store.store import Store
from detlite.studies.sweep.cluster import ClusterOptions, client_of, hosts_of
from detlite.studies.sweep.graph import EVALUATE, MEASURE, Stage, SweepGraph
from detlite.studies.sweep.run_stage import NOT_RUN, StageOutcome, is_done, run_stage
from detlite.studies.sweep.work import ARTIFACTS

MOST_ATTEMPTS = 2
"""How often a stage whose worker died is submitted; dask itself starts each three or four times."""

RECONNECT_S = 600.0
"""How long a lost scheduler is waited for."""

PRIORITIES: Mapping[str, int] = {MEASURE: -2, EVALUATE: -1}
"""Measurements come last: the machine is theirs alone, and the others would wait for each."""


@dataclass(frozen=True)
class SweepState:
    """How far a sweep is.

    Attributes:
        cells: how many there are.
        done: how many are finished.
        failed: how many cannot be finished.
        stages_left: how many stages are not run yet.
        left_s: about how long the rest takes, in seconds; None before the first stage ended.
    """

    cells: int
    done: int
    failed: int
    stages_left: int
    left_s: float | None


@dataclass(frozen=True)
class SweepResult:
    """The end of a sweep: the outcomes of the stages that failed or were not run, by key, and how many ran."""

    failures: Mapping[str, StageOutcome]
    ran: int


Tell = Callable[[SweepState], None]
Say = Callable[[str], None]


@dataclass(eq=False)
class _Sweep:
    """One sweep: what is left, and what became of the rest."""

    graph: SweepGraph
    store: Store
    tell: Tell
    done: set[str]
    failures: dict[str, StageOutcome] = field(default_factory=dict)
    ran: int = 0
    begin_s: float = field(default_factory=time.monotonic)
    _finals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._finals = {cell.key: tuple(one.key for one in self.graph.finals(cell)) for cell in self.graph.cells}

    def left(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.graph.missing(self.done) if stage.key not in self.failures)

    def take(self, outcome: StageOutcome) -> None:
        """Note how a stage ended."""
        self.ran += 1
        if outcome.status == DONE:
            self.done.add(outcome.key)
        else:
            self.failures[outcome.key] = outcome
        self.tell(self.state())

    def state(self) -> SweepState:
        done = sum(all(key in self.done for key in keys) for keys in self._finals.values())
        failed = sum(any(key in self.failures for key in keys) for keys in self._finals.values())
        left = len(self.left())
        each_s = (time.monotonic() - self.begin_s) / self.ran if self.ran else None
        return SweepState(len(self._finals), done, failed, left, None if each_s is None else each_s * left)


def done_stages(graph: SweepGraph, store: Store) -> set[str]:
    """Return the keys of the stages of *graph* whose results the store has, with their data and artifacts."""
    known = store.done() - store.incomplete()
    found = {key for key in graph.stages if key in known}
    return {key for key in found if graph.stages[key].kind not in ARTIFACTS or is_done(store, graph.stages[key])}


def run_sweep(
    graph: SweepGraph,
    store: Store,
    options: ClusterOptions,
    *,
    tell: Tell = lambda _state: None,
    say: Say = lambda _text: None,
) -> SweepResult:
    """Run the stages of *graph* that *store* does not have; without any, no cluster is started.

    Args:
        graph: the stages.
        store: where results are looked up and kept.
        options: the cluster.
        tell: called after each stage.
        say: called with a line about the cluster, and with one for each failure.

    Raises:
        MissingToolError: dask.distributed is not installed.
        InputError: the cluster cannot be used: see `client_of`.
        DeviceError: the scheduler was lost and did not come back; what was finished is in the store.
    """
    sweep = _Sweep(graph, store, tell, done_stages(graph, store))
    tell(sweep.state())
    attempts: dict[str, int] = {}
    waited_since: float | None = None
    while sweep.left():
        try:
            with client_of(options, store.root) as client:
                waited_since = None
                _say_where(client, options, say)
                while sweep.left() and _round(client, sweep, attempts, options, say):
                    pass
        except InputError as error:
            if attempts == {} or options.scheduler is None:
                raise
            waited_since = waited_since or time.monotonic()
            if time.monotonic() - waited_since > RECONNECT_S:
                raise DeviceError(f"the scheduler was lost: {error}; what was finished is kept") from error
        sweep.done |= done_stages(graph, store)
    return SweepResult(sweep.failures, sweep.ran)


def _say_where(client: Any, options: ClusterOptions, say: Say) -> None:
    import importlib.util

    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    dashboard = f", dashboard: {client.dashboard_link}" if importlib.util.find_spec("bokeh") else ""
    say(f"{workers} workers at {options.scheduler or 'this machine'}{dashboard}")


def _round(client: Any, sweep: _Sweep, attempts: dict[str, int], options: ClusterOptions, say: Say) -> bool:
    """Submit every stage that is left and wait for all; return whether the scheduler is still there."""
    from distributed import as_completed

    stages = sweep.left()
    places = _places(client, stages) if options.scheduler is not None else {}
    futures: dict[str, Any] = {}
    keys: dict[str, Stage] = {}
    for stage in stages:
        attempts[stage.key] = attempts.get(stage.key, 0) + 1
        before = futures.get(stage.needs) if stage.needs is not None else None
        future = client.submit(
            run_stage,
            str(sweep.store.root.absolute()),
            to_record(stage),
            before,
            key=f"{stage.kind}-{stage.key[:32]}-{attempts[stage.key]}-{time.time_ns()}",
            priority=PRIORITIES.get(stage.kind, 0),
            workers=places.get(stage.key),
            pure=False,
        )
        futures[stage.key] = future
        keys[future.key] = stage
    waiting = as_completed(list(futures.values()))
    futures.clear()
    here = True
    for future in waiting:
        stage = keys[future.key]
        outcome: StageOutcome | None
        if future.status == "finished":
            outcome = from_record(StageOutcome, future.result())
        elif future.status == "error":
            outcome = _death(future, stage, attempts)
        else:
            here = False  # cancelled: the scheduler was lost
            continue
        future.release()
        if outcome is not None:
            sweep.take(outcome)
            if outcome.status != DONE and outcome.status != NOT_RUN:
                say(f"failed: {_name(stage)}: {outcome.text}")
    return here


def _death(future: Any, stage: Stage, attempts: Mapping[str, int]) -> StageOutcome | None:
    """Return the outcome of a stage whose task ended in an error of dask; None if it is to be tried again.

    A worker that dies takes the blame to the tasks that ran on it, and to all that need them.
    """
    from distributed.scheduler import KilledWorker

    error = future.exception()
    if not isinstance(error, KilledWorker):
        raise error
    if attempts[stage.key] < MOST_ATTEMPTS:
        return None
    if str(getattr(error, "task", future.key)) != str(future.key):
        return StageOutcome(stage.key, NOT_RUN, "the stage before it killed its worker")
    return StageOutcome(stage.key, "failed", "its worker died each time (out of memory, or someone killed it)")


def _places(client: Any, stages: Iterable[Stage]) -> dict[str, list[str]]:
    """Return the workers that may run each stage that measures this machine, where workers are on several.

    Raises:
        InputError: no worker runs on this machine.
    """
    import socket

    measured = [stage for stage in stages if stage.is_quiet]
    hosts = hosts_of(client) if measured else {}
    here = [address for address, host in hosts.items() if host == socket.gethostname()]
    if measured and not here:
        raise InputError(
            f"the plan measures {socket.gethostname()}, and no worker runs there: start one, or leave out the device "
            f"{measured[0].device}"
        )
    return {stage.key: here for stage in measured} if len(here) < len(hosts) else {}


def _name(stage: Stage) -> str:
    parts: Sequence[str] = [
        f"{stage.facts[name]}" for name in ("model", "scheme", "device", "dataset") if name in stage.facts
    ]
    return f"{stage.kind} of {' '.join(parts)}"
