"""The engine: the missing stages of a sweep as tasks of dask, each keyed by its content; failures are collected."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.records import Record, from_record, to_record
from detlite.studies.store.entry import FAILED
from detlite.studies.store.store import Store
from detlite.studies.sweep.cluster import ClusterOptions, client_of, hosts_of, require_cluster, undo_dask_settings
from detlite.studies.sweep.graph import EVALUATE, MEASURE, Stage, SweepGraph
from detlite.studies.sweep.progress import SweepProgress, SweepState
from detlite.studies.sweep.run_stage import NOT_RUN, StageOutcome, is_done, keep_failure, one_line, run_stage
from detlite.studies.sweep.work import ARTIFACTS
from detlite.studies.sweep.worker_watch import WorkerWatch

MOST_DEATHS = 2
"""How often a stage is given up by dask, which starts it three or four times, until it fails."""

RECONNECT_S = 600.0
"""How long a lost scheduler is waited for."""

RETRY_S = 1.0
"""Between two attempts to reach it."""

PRIORITIES: Mapping[str, int] = {MEASURE: -2, EVALUATE: -1}
"""Measurements come last: the machine is theirs alone, and the others would wait for each."""

TOPIC = "detlite-stages"
"""Of dask's events: a worker tells the key of each stage that it begins."""

RunStage = Callable[[str, Record, Record | None], Record]
Tell = Callable[[SweepState], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class SweepResult:
    """The end of a sweep: the outcomes of the stages that failed or were not run, by key, and how many ran."""

    failures: Mapping[str, StageOutcome]
    ran: int


@dataclass(frozen=True)
class SweepListener:
    """What is told of a running sweep.

    Attributes:
        tell: called with the state after each stage.
        say: called with a line about the cluster, and with one for each failure.
    """

    tell: Tell = lambda _state: None
    say: Say = lambda _text: None


@dataclass(frozen=True, eq=False)
class _Sweep:
    """One sweep: its stages, where its results go, and what became of them so far."""

    graph: SweepGraph
    store: Store
    listener: SweepListener
    run: RunStage
    progress: SweepProgress
    deaths: Counter[str]

    def take(self, outcome: StageOutcome) -> None:
        """Note how a stage ended, and say it if it failed."""
        self.progress.take(outcome)
        self.listener.tell(self.progress.state())
        if outcome.status == FAILED:
            self.listener.say(f"failed: {_name(self.graph.stages[outcome.key])}: {outcome.text}")

    def fail(self, stage: Stage, text: str) -> None:
        """Note that *stage* failed without telling why itself; the store keeps *text*, as a line, for the report."""
        line = one_line(text)
        keep_failure(self.store, stage, line)
        self.take(StageOutcome(stage.key, FAILED, line))


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
    listener: SweepListener | None = None,
    run: RunStage = run_stage,
) -> SweepResult:
    """Run the stages of *graph* that *store* does not have; without any, no cluster is started.

    Args:
        graph: the stages.
        store: where results are looked up and kept.
        options: the cluster.
        listener: what is told meanwhile.
        run: what a worker does with a stage.

    Raises:
        MissingToolError: dask.distributed is not installed.
        InputError: the cluster cannot be used: see `client_of`.
        DeviceError: the scheduler was lost and did not come back; what was finished is in the store.
    """
    progress = SweepProgress(graph, done_stages(graph, store))
    sweep = _Sweep(graph, store, listener or SweepListener(), run, progress, Counter())
    sweep.listener.tell(progress.state())
    if progress.left:
        require_cluster()
    began = False
    lost_since: float | None = None
    while progress.left:
        try:
            with client_of(options, store.root) as client:
                places = {} if options.scheduler is None else _places(client, progress.left.values())
                began, lost_since = True, None
                _say_where(client, options, sweep.listener.say, {host for hosts in places.values() for host in hosts})
                _run_rounds(client, sweep, places)
                continue
        except _lost_errors() as error:
            if options.scheduler is None or not began:
                raise
            reason = " ".join(str(error).split())
        lost_since = _wait(lost_since, reason, sweep.listener.say)
        progress.resume(done_stages(graph, store))
    return SweepResult(progress.failures, progress.ran)


def _lost_errors() -> tuple[type[BaseException], ...]:
    """Return the errors by which a client says that the scheduler or the workers are gone."""
    from distributed.client import ClosedClientError

    return (InputError, OSError, CancelledError, ClosedClientError)


def _wait(since: float | None, reason: str, say: Say) -> float:
    """Wait a little for a lost scheduler, and return since when it is lost."""
    now = time.monotonic()
    if since is None:
        say(f"the scheduler is lost: waiting {RECONNECT_S / 60:.0f} min for it; what was finished is kept ({reason})")
    elif now - since > RECONNECT_S:
        raise DeviceError(f"the scheduler did not come back: {reason}; what was finished is kept")
    time.sleep(RETRY_S)
    return now if since is None else since


def _say_where(client: Any, options: ClusterOptions, say: Say, here: Set[str]) -> None:
    """Say which workers there are, and watch them; *here*: the hosts whose workers alone may run some stages."""
    import importlib.util

    watch = None if options.scheduler is None else WorkerWatch(options.scheduler, say, here)
    if watch is not None:  # a local cluster starts its workers again by itself
        client.subscribe_topic("all", watch.take)
    addresses = client.scheduler_info(n_workers=-1)["workers"]
    if watch is not None:
        watch.workers.update(addresses)
    workers = len(addresses)
    dashboard = f", dashboard: {client.dashboard_link}" if importlib.util.find_spec("bokeh") else ""
    say(f"{counted(workers, 'worker')} at {options.scheduler or 'this machine'}{dashboard}")


def _run_rounds(client: Any, sweep: _Sweep, places: Mapping[str, list[str]]) -> None:
    """Submit the remaining stages and wait for them, round by round; *places*: the hosts that may run a stage.

    Raises:
        CancelledError: the scheduler was lost.
    """
    client.subscribe_topic(TOPIC, lambda event: sweep.progress.begin(str(event[1])))
    for number in itertools.count():
        if number:  # a result that died with its worker may be in the store
            sweep.progress.resume(done_stages(sweep.graph, sweep.store))
        _leave_out(sweep)
        stages = tuple(sweep.progress.left.values())
        if not stages:
            return
        tasks = dict(_submitted(client, sweep, stages, places, f"{time.time_ns()}-{number}"))
        _collect(sweep, tasks)


def _leave_out(sweep: _Sweep) -> None:
    """End the stages that need one that failed: they are not run."""
    failures = sweep.progress.failures
    for stage in tuple(sweep.progress.left.values()):
        cause = failures.get(stage.needs or "")
        if cause is not None:
            text = cause.text if cause.status == NOT_RUN else f"the stage before it failed: {cause.text}"
            sweep.take(StageOutcome(stage.key, NOT_RUN, text))


def _submitted(
    client: Any, sweep: _Sweep, stages: Sequence[Stage], places: Mapping[str, list[str]], name: str
) -> Iterator[tuple[Any, Stage]]:
    """Yield the future of each of *stages*, a task of dask with a key that was never used before."""
    futures: dict[str, Any] = {}
    measured: Counter[str | None] = Counter()
    for stage in stages:
        priority = PRIORITIES.get(stage.kind, 0)
        if stage.kind == MEASURE:  # the devices in turn: no two workers wait for one
            priority -= measured[stage.device]
            measured[stage.device] += 1
        futures[stage.key] = client.submit(
            _run_and_tell,
            sweep.run,
            str(sweep.store.root.absolute()),
            to_record(stage),
            futures.get(stage.needs) if stage.needs is not None else None,
            key=f"{stage.kind}-{stage.key[:32]}-{name}",
            priority=priority,
            workers=places.get(stage.key),
            pure=False,
        )
        yield futures[stage.key], stage


def _run_and_tell(run: RunStage, study: str, record: Record, before: Record | None) -> Record:
    """Run a stage in a worker, after telling that it begins."""
    from distributed import get_worker

    get_worker().log_event(TOPIC, record["key"])
    undo_dask_settings()
    return run(study, record, before)


def _collect(sweep: _Sweep, tasks: dict[Any, Stage]) -> None:
    """Take the outcomes of *tasks* as they end; a stage whose worker died is left, unless that was too often.

    Raises:
        CancelledError: the scheduler was lost.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    lost, bugs = False, list[tuple[Stage, Exception]]()
    waiting = as_completed(list(tasks))
    stages = {future.key: tasks.pop(future) for future in list(tasks)}  # futures are let go as they end
    for future in waiting:
        stage = stages[future.key]
        try:
            sweep.take(from_record(StageOutcome, future.result()))
        except KilledWorker as error:
            if str(error.task) == str(future.key):  # the others only needed it, and are left too
                _count_death(sweep, stage)
        except (CancelledError, OSError):
            lost = True
        except Exception as error:  # noqa: BLE001 - the stage's own: one cell's bug does not end the others
            bugs.append((stage, error))
        future.release()
    failed = {stage.key for stage, _bug in bugs}
    for stage, bug in bugs:
        if stage.needs not in failed:
            sweep.fail(stage, f"a bug of detlite: {type(bug).__name__}: {bug}")
    if lost:
        raise CancelledError("it cancelled its tasks")


def _count_death(sweep: _Sweep, stage: Stage) -> None:
    sweep.deaths[stage.key] += 1
    if sweep.deaths[stage.key] >= MOST_DEATHS:
        sweep.fail(stage, "its worker died each time (out of memory, or someone killed it)")


def _places(client: Any, stages: Iterable[Stage]) -> dict[str, list[str]]:
    """Return the hosts, as dask knows them, of each stage whose device is attached to this machine.

    It is empty if all workers are on this machine. Hosts, not workers: one that is started again has another address.

    Raises:
        InputError: no worker runs on this machine.
    """
    import socket

    from distributed.comm import get_address_host

    attached = [stage for stage in stages if stage.is_attached]
    hosts = hosts_of(client) if attached else {}
    here = [address for address, host in hosts.items() if host == socket.gethostname()]
    if attached and not here:
        raise InputError(
            f"the plan measures {attached[0].device} of {socket.gethostname()}, and no worker runs there: start one, "
            "or leave out that device"
        )
    places = sorted({get_address_host(address) for address in here})
    return {stage.key: places for stage in attached} if len(here) < len(hosts) else {}


def _name(stage: Stage) -> str:
    parts: Sequence[str] = [
        f"{stage.facts[name]}" for name in ("model", "scheme", "device", "dataset") if name in stage.facts
    ]
    return f"{stage.kind} of {' '.join(parts)}"
