"""The workers of the user's own cluster during a sweep: a line when the last one is gone, and when one is back."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any


class WorkerWatch:
    """The workers that are there, by address, as dask's events tell."""

    def __init__(self, scheduler: str, say: Callable[[str], None], here: Set[str] = frozenset()) -> None:
        """Call *say* with each line.

        Args:
            scheduler: its address, which the lines name.
            say: called with each line.
            here: the hosts of this machine, if only its workers may run some of the stages.
        """
        self.workers: set[str] = set()
        self._start = f"start it with `dask worker {scheduler} --nthreads 1`"
        self._say = say
        self._here = here

    def take(self, event: tuple[float, Any]) -> None:
        """Note an *event* of dask's topic `all`: its time, and what happened."""
        told = event[1]
        action = told.get("action") if isinstance(told, dict) else None
        had, had_here = bool(self.workers), self._is_here()
        if action == "add-worker":
            self.workers.add(told["worker"])
            if not had:
                self._say("a worker is back: the sweep goes on")
            elif self._is_here() > had_here:
                self._say("a worker is back on this machine: its measurements go on")
        elif action == "remove-worker":
            self.workers.discard(told["worker"])
            if had and not self.workers:
                self._say(f"no worker is left: the sweep waits for one; {self._start}")
            elif had_here > self._is_here():
                self._say(f"no worker is left on this machine: what it measures waits for one; {self._start}")

    def _is_here(self) -> bool:
        """Return whether one of the workers is on this machine."""
        from distributed.comm import get_address_host

        return any(get_address_host(worker) in self._here for worker in self.workers)
