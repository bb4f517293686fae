"""A child that is ended at its time limit, on a machine of any speed."""

import pytest

from detlite.runtime.child import run_in_child
from detlite.runtime.errors import DeviceError

LIMITS_S = (1, 5, 25, 125)  # a busy machine may not even start a child in the first


def ended_in_time(task: str, *, said: str) -> int:
    """Have *task*, which never ends, ended at its limit; return the process id that it reported before."""
    pids: list[int] = []
    for limit_s in LIMITS_S:
        with pytest.raises(DeviceError, match=f"{said} took longer than {limit_s} s and was stopped"):
            run_in_child(task, {}, timeout_s=limit_s, progress=lambda what, *_: pids.append(int(what)))
        if pids:
            return pids[0]
    raise AssertionError(f"{task} did not begin in {LIMITS_S[-1]} s")
