"""Run a function in a copy of this process: a crash of an interpreter is reported, and costs no second start."""

from __future__ import annotations

import os
import sys
from typing import Callable


def run_isolated(work: Callable[[], int]) -> int:
    """Return the exit status of *work*, done in a copy of this process where the system can make one.

    To be called early: what is imported and opened later is the copy's alone, and no thread runs yet.

    Raises:
        DeviceError: the copy died of a signal.
    """
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        status = work()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # without the interpreters' own destructors, which may crash when the work is done
    _child, ended = os.waitpid(child, 0)
    if not os.WIFSIGNALED(ended):
        return os.WEXITSTATUS(ended)
    import signal

    from detlite.runtime.child import LIKELY
    from detlite.runtime.errors import DeviceError

    name = signal.Signals(os.WTERMSIG(ended)).name
    raise DeviceError(f"the process died of {name} (likely: {LIKELY.get(name, 'unknown')})")
