"""The workers of the user's own cluster during a sweep: a line when the last one is gone, and when one is back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class WorkerWatch:
    """The workers that are there, by address, as dask's events tell."""

    def __init__(self, scheduler: str, say: Callable[[str], None]) -> None:
        """Call *say* with each line, which names the address of the *scheduler*."""
        self.workers: set[str] = set()
        self._scheduler = scheduler
        self._say = say

    def take(self, event: tuple[float, Any]) -> None:
        """Note an *event* of dask's topic `all`: its time, and what happened."""
        told = event[1]
        action = told.get("action") if isinstance(told, dict) else None
        if action == "add-worker":
            if not self.workers:
                self._say("a worker is back: the sweep goes on")
            self.workers.add(told["worker"])
        elif action == "remove-worker":
            self.workers.discard(told["worker"])
            if not self.workers:
                self._say(
                    f"no worker is left: the sweep waits for one; start it with `dask worker {self._scheduler} "
                    "--nthreads 1`"
                )
