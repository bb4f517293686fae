"""Work in a fork of this process: an interpreter's crash is reported, without the cost of a second start."""

from __future__ import annotations

import contextlib
import json  # before the copy is made: both need it
import os
import sys
from typing import Any, Callable, Iterator

Requests = Iterator[Any]


def run_beside(requests: Callable[[], Requests], prepare: Callable[[], None], work: Callable[[Requests], int]) -> int:
    """Return the exit status of *work*, run in a fork of this process, which receives *requests*.

    The fork runs *prepare* first (slow imports, for example) while the requests are made here; they are what JSON
    can carry. Call it early: no thread may run yet, and what is imported later is only in the fork.

    Raises:
        DeviceError: the fork died of a signal.
        DetliteError: raised by *requests*; the fork is then ended.
    """
    if not hasattr(os, "fork"):
        prepare()
        return work(requests())
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(writing)
        _be_the_copy(reading, prepare, work)
    os.close(reading)
    try:
        _hand_over(requests(), writing)
    except BaseException:
        import signal  # where it is wanted: a board's program starts without

        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    return _status(os.waitpid(child, 0)[1])


def _be_the_copy(reading: int, prepare: Callable[[], None], work: Callable[[Requests], int]) -> None:
    status = 1
    try:
        prepare()
        status = work(_received(reading))
        sys.stdout.flush()
    except BrokenPipeError:
        status = 0  # a reader such as `head` closed the pipe
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)  # skips the interpreters' destructors, which may crash


def _hand_over(requests: Requests, writing: int) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "w") as stream:  # it may have ended already
        for request in requests:
            stream.write(json.dumps(request) + "\n")
            stream.flush()


def _received(reading: int) -> Requests:
    with os.fdopen(reading) as stream:
        for line in stream:
            yield json.loads(line)


def _status(ended: int) -> int:
    if not os.WIFSIGNALED(ended):
        return os.WEXITSTATUS(ended)
    import signal

    from detlite.runtime.child import LIKELY
    from detlite.runtime.errors import DeviceError

    name = signal.Signals(os.WTERMSIG(ended)).name
    raise DeviceError(f"the process died of {name} (likely: {LIKELY.get(name, 'unknown')})")
