"""The clock of a measurement: the machine's, or one that only a script moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

SPIN_NS = 200_000
"""Sleep until this long before the moment, then poll the clock: waking up takes about 0.1 ms."""


class Clock(Protocol):
    """A clock: nanoseconds since an arbitrary start."""

    def now_ns(self) -> int:
        """Return the time."""

    def wait_until_ns(self, moment_ns: int) -> None:
        """Return at *moment_ns*, or at once if that is past."""


class MachineClock:
    """The machine's monotonic clock."""

    now_ns = staticmethod(time.perf_counter_ns)

    def wait_until_ns(self, moment_ns: int) -> None:
        """Sleep, then poll the clock for the last part."""
        left = moment_ns - time.perf_counter_ns()
        if left > SPIN_NS:
            time.sleep((left - SPIN_NS) / 1e9)
        while time.perf_counter_ns() < moment_ns:
            pass


@dataclass
class ScriptedClock:
    """A clock that moves only when told to: ten minutes of a scenario pass at once."""

    at_ns: int = 0

    def now_ns(self) -> int:
        """Return the time."""
        return self.at_ns

    def wait_until_ns(self, moment_ns: int) -> None:
        """Set the clock to *moment_ns*."""
        self.at_ns = max(self.at_ns, moment_ns)

    def pass_ns(self, span_ns: int) -> None:
        """Move the clock by *span_ns*; a negative value moves it back, like a clock that someone sets."""
        self.at_ns += span_ns


MACHINE_CLOCK = MachineClock()
