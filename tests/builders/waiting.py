"""Waiting for what another process does: as short as it takes, and long enough for a busy machine."""

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 120.0  # nothing that is waited for takes a tenth of it on a quiet machine


def wait_until(
    happened: Callable[[], bool], *, patience_s: float = PATIENCE_S, said: Callable[[], object] = str
) -> None:
    """Return once *happened*; fail with what is *said* when that takes over *patience_s*."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain: {said()}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process *pid* is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
