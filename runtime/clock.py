"""The clock that a measurement is made by: the machine's, or one that only a script moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

SPIN_NS = 200_000
"""How long before a moment sleeping ends and looking at the clock begins: a sleeper is woken some 0.1 ms late."""


class Clock(Protocol):
    """What tells the time, in nanoseconds from any beginning."""

    def now_ns(self) -> int:
        """Return the time."""

    def wait_until_ns(self, moment_ns: int) -> None:
        """Return at *moment_ns*, or at once where that is over."""


class MachineClock:
    """The machine's monotonic clock."""

    now_ns = staticmethod(time.perf_counter_ns)

    def wait_until_ns(self, moment_ns: int) -> None:
        """Sleep, and look at the clock for the last of it."""
        left = moment_ns - time.perf_counter_ns()
        if left > SPIN_NS:
            time.sleep((left - SPIN_NS) / 1e9)
        while time.perf_counter_ns() < moment_ns:
            pass


@dataclass
class ScriptedClock:
    """A clock that stands still until something moves it: ten minutes of a scenario pass at once."""

    at_ns: int = 0

    def now_ns(self) -> int:
        """Return the time."""
        return self.at_ns

    def wait_until_ns(self, moment_ns: int) -> None:
        """Make it *moment_ns*."""
        self.at_ns = max(self.at_ns, moment_ns)

    def pass_ns(self, span_ns: int) -> None:
        """Move on by *span_ns*; back where that is negative, as a clock that somebody sets does."""
        self.at_ns += span_ns


MACHINE_CLOCK = MachineClock()
