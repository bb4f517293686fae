"""The dask cluster that runs a sweep: a local one, or the user's own; only here dask is made and asked."""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.extras import install_line
from detlite.runtime.errors import InputError, MissingToolError
from detlite.runtime.version import __version__
from detlite.studies.store.store import NAME

ROOM_BYTES, PEAK_BYTES = 1 << 30, 1.25 * (1 << 30)
"""What is left to the machine, and what one conversion or quantization of an SSD takes."""

CONNECT_S = 15.0
VERSIONS = ("detlite", "python", "distributed")
"""What scheduler, workers and client must have alike: dask itself only warns."""

ALLOWED_FAILURES = 2
SILENT = logging.CRITICAL + 10


@dataclass(frozen=True)
class Security:
    """The files of TLS: the authority's certificate, and the client's certificate and key."""

    ca_file: Path
    cert: Path
    key: Path


@dataclass(frozen=True)
class ClusterOptions:
    """Where stages run.

    Attributes:
        workers: of a local cluster; None: as many as cores and memory allow.
        scheduler: the address of the user's own, such as `tcp://head:8786`; None for a local cluster.
        security: of a scheduler at `tls://`; None for none.
    """

    workers: int | None = None
    scheduler: str | None = None
    security: Security | None = None


def workers_that_fit() -> int:
    """Return how many worker processes this machine's cores and free memory allow, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cores, int((_available_bytes() or free) - ROOM_BYTES) // int(PEAK_BYTES)))


def _available_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


@contextmanager
def client_of(options: ClusterOptions, folder: Path | None) -> Iterator[Any]:
    """Give a `distributed.Client` of the cluster that *options* name, checked; a local cluster ends with the `with`.

    Args:
        options: where.
        folder: that all workers must see; None for none.

    Raises:
        MissingToolError: dask.distributed is not installed.
        InputError: no scheduler answers at the address, it has no workers, or a worker has another detlite.
    """
    require_cluster()
    if options.scheduler is None:
        with _local(options.workers or workers_that_fit()) as client:
            yield client
        return
    with _remote(options.scheduler, options.security) as client:
        check_workers(client, options.scheduler, folder)
        yield client


def require_cluster() -> None:
    """Raise `MissingToolError` where dask.distributed is not installed."""
    if importlib.util.find_spec("distributed") is None:
        raise MissingToolError(f"this needs dask.distributed: {install_line('cluster')}")


@contextmanager
def _local(count: int) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        "distributed.admin.log-format": "%(message)s",
        "distributed.worker.profile.enabled": False,  # a sample every 10 ms, beside a measurement too;
        "distributed.admin.tick.interval": "500 ms",  # and a look at the clock every 20 ms
        "distributed.deploy.lost-worker-timeout": "1 hour",  # 15 s would end workers that restart on a busy machine
    }
    dashboard = ":0" if importlib.util.find_spec("bokeh") else None
    _silence()
    with dask.config.set(settings):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends this process, which ends the workers
        try:
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # it does not see child processes, which do the work
                dashboard_address=dashboard,
                silence_logs=SILENT,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        with cluster, Client(cluster) as client:
            yield client


def _silence() -> None:
    """Print nothing of dask's: we tell in one line of a lost scheduler, and of Ctrl-C."""
    logging.getLogger("distributed").setLevel(SILENT)


@contextmanager
def _remote(address: str, security: Security | None) -> Iterator[Any]:
    from distributed import Client
    from distributed.security import Security as DaskSecurity

    _silence()
    known = None
    if security is not None:
        known = DaskSecurity(
            tls_ca_file=str(security.ca_file),
            tls_client_cert=str(security.cert),
            tls_client_key=str(security.key),
            require_encryption=True,
        )
    try:
        client = Client(address, timeout=CONNECT_S, security=known)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"no dask scheduler answers at {address} ({reason}): start one with `dask scheduler`; "
            "one at tls:// needs --tls-ca-file, --tls-cert and --tls-key"
        ) from error
    with client:
        yield client


def check_workers(client: Any, address: str, folder: Path | None) -> None:
    """Check that scheduler and workers run this detlite, and that there are workers, which see *folder*.

    Raises:
        InputError: they do not.
    """
    here = worker_facts(None)
    try:
        scheduler = client.run_on_scheduler(worker_facts, None)
    except (ImportError, AttributeError) as error:
        raise InputError(f"the scheduler {address} has no detlite {__version__}: install it there ({error})") from error
    _check_versions(f"the scheduler {address}", scheduler, here)
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise InputError(
            f"the scheduler {address} has no workers: start them with `dask worker {address} --nthreads 1`"
        ) from error
    try:
        found: dict[str, Any] = client.run(worker_facts, None if folder is None else str(folder.absolute()))
    except (ImportError, AttributeError) as error:
        raise InputError(f"a worker of {address} has no detlite {__version__}: install it there ({error})") from error
    for worker, facts in found.items():
        _check_versions(f"the worker {worker}", facts, here)
        if folder is not None and not facts["sees_folder"]:
            raise InputError(f"the worker {worker} on {facts['host']} does not see {folder}: use a shared file system")


def _check_versions(who: str, there: dict[str, Any], here: dict[str, Any]) -> None:
    for name in VERSIONS:
        if there[name] != here[name]:
            raise InputError(f"{who} runs {name} {there[name]}; this is {here[name]}: use the same")


def worker_facts(folder: str | None) -> dict[str, Any]:
    """Return what the process that runs this is: its `VERSIONS`, `host` and `sees_folder`, of a study's *folder*."""
    import distributed

    sees = folder is None or (Path(folder) / NAME).is_file()
    versions = {
        "detlite": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "distributed": distributed.__version__,
    }
    return {**versions, "host": socket.gethostname(), "sees_folder": sees}


def undo_dask_settings() -> None:
    """Take dask's setting of malloc out of this worker's environment, for the child processes that do the work.

    With it they give freed memory back at once, and ask for it again: more page faults, and other latencies than those
    of `detlite measure`.
    """
    os.environ.pop("MALLOC_TRIM_THRESHOLD_", None)


def hosts_of(client: Any) -> dict[str, str]:
    """Return the name of the machine of each worker, by the worker's address."""
    found: dict[str, Any] = client.run(worker_facts, None)
    return {address: facts["host"] for address, facts in found.items()}
