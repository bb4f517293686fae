"""Running a program on a device, over any transport."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from detlite.devices.transport.program import run_program
from detlite.devices.transport.transport import Completed, LostError, Transport
from detlite.runtime.errors import DeviceError

GRACE_S = 8.0
"""How much longer this machine waits than the device does: by then the device has ended the program, or is lost."""

ENDED = re.compile(r"\x1eend (\d+)\n")
TIMED_OUT = (124, 137)  # exit statuses of `timeout`: timed out, and killed
ALIVE_S = 5.0


def shell_script(path: Path) -> str:
    """Return the shell program in the file at *path*, without its comments: it travels as one argument."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


RUN = shell_script(Path(__file__).with_name("run.sh"))


def run(transport: Transport, arguments: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Completed:
    """Run *arguments* on the device and return the result, whatever its exit status.

    Raises:
        LostError: the connection broke, or the device did not answer.
        DeviceError: it took longer than *timeout_s*, and was ended on the device.
    """
    limit = f"{timeout_s:g}"
    command = transport.command(["sh", "-c", RUN, "run", limit, *arguments])
    said = run_program(command, timeout_s=timeout_s + GRACE_S, stdin=stdin)
    if said.status is None:
        raise LostError(f"{transport.name} has not answered for {said.duration_s:.0f} s: is it on, and connected?")
    err, status = split_end(said.err)
    if status is None:
        raise transport.explain(err)
    if status in TIMED_OUT and said.duration_s >= timeout_s:
        raise DeviceError(f"{transport.name}: {arguments[0]} took longer than {limit} s and was stopped there")
    return Completed(tuple(arguments), status, said.out, err, said.duration_s)


def split_end(err: str) -> tuple[str, int | None]:
    """Return *err* without the line that states a program's exit status, and that status."""
    found = ENDED.search(err)
    if found is None:
        return err, None
    return err[: found.start()] + err[found.end() :], int(found[1])


def run_script(
    transport: Transport, script: str, arguments: Sequence[str], *, timeout_s: float, stdin: str = ""
) -> str:
    """Run a shell program on the device and return its output.

    Raises:
        DeviceError: it failed, or did not end.
    """
    done = run(transport, ["sh", "-c", script, "sh", *arguments], timeout_s=timeout_s, stdin=stdin.encode())
    if done.status != 0:
        raise DeviceError(f"{transport.name}: {last_line(done.err) or f'status {done.status} of its shell'}")
    return done.out.decode(errors="replace")


def last_line(text: str) -> str:
    """Return the last non-empty line of *text*, at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def get(transport: Transport, path: str, *, timeout_s: float) -> bytes:
    """Return the content of the file at *path* on the device.

    Raises:
        DeviceError: it does not exist, or arrived incomplete.
    """
    done = run(transport, ["cat", path], timeout_s=timeout_s)
    if done.status != 0:
        raise DeviceError(f"{transport.name}: {last_line(done.err)}")
    return done.out


def alive(transport: Transport) -> bool:
    """Return whether the device answers within a few seconds."""
    try:
        return run(transport, ["true"], timeout_s=ALIVE_S).status == 0
    except DeviceError:
        return False
