"""The child process of `detlite.runtime.child`: `python -m detlite.runtime.worker package.module:function`."""

from __future__ import annotations

import importlib
import json
import math
import os
import shutil
import signal
import sys
import threading
import time
from typing import IO, Any, Callable, Dict

from detlite.runtime.errors import DetliteError
from detlite.runtime.progress import BEGUN, Progress
from detlite.runtime.resident_memory import family_peak_bytes

TELL_EVERY_S = 0.05

Task = Callable[[Dict[str, Any], Progress], Dict[str, Any]]


def main() -> int:
    """Run the task that the command line names, and return the exit status."""
    messages = _private_stdout()
    module, name = sys.argv[1].split(":")
    task: Task = getattr(importlib.import_module(module), name)  # import before the request arrives
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        os._exit(0)  # the parent closed stdin: no request will come
    threading.Thread(target=_end_with_parent, args=sys.argv[2:], daemon=True).start()
    try:
        result = task(json.loads(line), _teller(messages))
        _tell_memory(messages)
        _write(messages, {"result": result})
    except DetliteError as error:
        _tell_memory(messages)
        _write(messages, {"error": type(error).__name__, "text": str(error)})
    except MemoryError:
        _write(messages, {"error": "DeviceError", "text": f"{name.replace('_', ' ')} ran out of memory"})
    except OSError as error:
        if error.errno is None:
            raise
        _write(messages, {"os_error": [error.errno, error.strerror, str(error.filename or "")]})
    messages.flush()
    os._exit(0)  # skips the interpreters' destructors, which may crash


def _teller(messages: IO[bytes]) -> Progress:
    """Return a callback that reports progress to the parent, at most every `TELL_EVERY_S`: each message costs time."""
    told_s = -math.inf

    def progress(what: str, done: int, total: int) -> None:
        nonlocal told_s
        if total == BEGUN or done == total or time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            _write(messages, {"progress": [what, done, total]})

    return progress


def _tell_memory(messages: IO[bytes]) -> None:
    _write(messages, {"memory_peak_bytes": family_peak_bytes()})


def _private_stdout() -> IO[bytes]:
    """Return the stream for messages; from now on, what libraries print to stdout goes to stderr."""
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return messages


def _end_with_parent(scratch: str) -> None:
    """End this process, and those that it started, when the parent closes stdin: it is finished, or was killed.

    The temporary files, in the folder *scratch*, are removed: a parent that was killed cannot.
    """
    while os.read(0, 1024):  # the raw file: a lock on sys.stdin would block the interpreter's exit
        pass
    shutil.rmtree(scratch, ignore_errors=True)
    if os.getpgid(0) == os.getpid():  # the parent made it the leader of its own group
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _write(messages: IO[bytes], message: Dict[str, Any]) -> None:
    messages.write(json.dumps(message, allow_nan=False).encode() + b"\n")
    messages.flush()


if __name__ == "__main__":
    sys.exit(main())
