"""Programs on this machine: each started in its own session, and ended with its children."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from detlite.runtime.errors import MissingToolError


@dataclass(frozen=True)
class Said:
    """The result of a program on this machine.

    Attributes:
        status: its exit status; None if it took too long and was ended.
        out: its stdout.
        err: its stderr.
        duration_s: how long it ran.
    """

    status: int | None
    out: bytes
    err: str
    duration_s: float


def require(program: str, package: str) -> None:
    """Check that *program* is on the path.

    Raises:
        MissingToolError: it is not; *package* names what contains it.
    """
    if shutil.which(program) is None:
        raise MissingToolError(f"{program} is not on the path: install {package}")


def start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program with pipes; Ctrl-C reaches only this process, which ends the program."""
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def run_program(arguments: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Said:
    """Run a program to its end, for at most *timeout_s*."""
    begin = time.monotonic()
    process = start(arguments)
    try:
        out, err = process.communicate(stdin, timeout=timeout_s)
        status: int | None = process.returncode
    except subprocess.TimeoutExpired as expired:
        out, err, status = expired.stdout or b"", expired.stderr or b"", None
    finally:
        end(process)
    return Said(status, out, err.decode(errors="replace"), time.monotonic() - begin)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and its children if it still runs; close its pipes."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
