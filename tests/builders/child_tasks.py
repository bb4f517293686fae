"""Tasks that a child may be asked to do in tests: good ones, bad ones, and ones that crash."""

import ctypes
import errno
import os
import tempfile
import time
from typing import Any

from detlite.runtime.errors import ContractError
from detlite.runtime.progress import Progress

Record = dict[str, Any]


def double(request: Record, progress: Progress) -> Record:
    """Print, report half, and return twice the value."""
    print("a library that prints")
    progress("doubling", 1, 2)
    return {"value": request["value"] * 2}


def count(request: Record, progress: Progress) -> Record:
    """Report each step of *total*."""
    for done in range(1, request["total"] + 1):
        progress("counting", done, request["total"])
    return {}


def leave_file(request: Record, progress: Progress) -> Record:
    """Make a temporary file and tell its path, hang if asked to, and leave the file behind."""
    handle, path = tempfile.mkstemp(prefix="__autograph_generated_file")
    os.close(handle)
    progress(path, 1, 1)
    time.sleep(60 if request["hang"] else 0)
    return {"path": path}


def refuse(_request: Record, _progress: Progress) -> None:
    """Fail with an error of detlite."""
    raise ContractError("no such thing")


def crash(_request: Record, _progress: Progress) -> None:
    """Read the address 0: the process dies of SIGSEGV."""
    ctypes.string_at(0)


def stall(request: Record, progress: Progress) -> None:
    """Report the process id and hang for a minute."""
    progress(str(os.getpid()), 0, 0)
    time.sleep(60)


def fill_disk(request: Record, _progress: Progress) -> None:
    """Fail as on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device", *request["names"])


def fail(_request: Record, _progress: Progress) -> None:
    """Fail with an error that is a bug."""
    raise ZeroDivisionError("a bug")


def hold_memory(request: Record, _progress: Progress) -> Record:
    """Fill *size_mb* MB of memory."""
    return {"sum": sum(bytearray(b"\1" * (request["size_mb"] << 20))[:: 1 << 16])}
