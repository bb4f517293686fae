"""A running simulated device: it runs programs, can be cut off, and leaves nothing when it is switched off."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from detlite.devices.simulated.folder import ROOT_VARIABLE, Folder, build
from detlite.devices.simulated.shell import LENGTH, short
from detlite.devices.simulated.simulator import Simulator, simulator_called
from detlite.runtime.errors import MissingToolError

MOST_BYTES = 1 << 22
JOB = "job"
"""The name that `deploy/job.py` gives to a job's shell."""

LOST_AFTER_S, AWAY_S = 0.5, 2.0
"""When in its first job a vanishing device is lost, and for how long."""

NOT_FOUND, NOT_EXECUTABLE = 127, 126


@dataclass(eq=False)
class Running:
    """A running device in *folder*.

    Attributes:
        vanishes: whether it is lost during its first job.
    """

    folder: Folder
    vanishes: bool = False
    _listener: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_UNIX))
    _open: set[socket.socket] = field(default_factory=set)
    _changing: threading.Lock = field(default_factory=threading.Lock)
    _away_until: float = 0.0

    def listen(self) -> None:
        """Start accepting programs."""
        with short(str(self.folder.socket)) as name:
            self._listener.bind(name)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, away_s: float) -> None:
        """Break every connection, and refuse new ones for *away_s*; programs see their stdin end."""
        with self._changing:
            self._away_until = time.monotonic() + away_s
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def off(self) -> None:
        """End what runs on it, and stop listening."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut(float("inf"))
        while pids := processes(self.folder):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed by `off`
            while True:
                control, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(control,), daemon=True).start()

    def _serve(self, control: socket.socket) -> None:
        sockets = [control]
        try:
            head, descriptors, _flags, _address = socket.recv_fds(control, LENGTH.size, 2)
            sockets += [socket.socket(fileno=number) for number in descriptors]
            with self._changing:
                if len(sockets) != 3 or len(head) != LENGTH.size or time.monotonic() < self._away_until:
                    return
                self._open.update(sockets)
            arguments = _arguments(control, LENGTH.unpack(head)[0])
            status = self._run(arguments, sockets) if arguments else NOT_FOUND
            for one in sockets[1:]:
                one.close()
            control.sendall(bytes([status]))
        except (OSError, ValueError):
            return  # the other end is gone, or was cut off
        finally:
            with self._changing:
                self._open.difference_update(sockets)
            for one in sockets:
                one.close()

    def _run(self, arguments: list[str], sockets: list[socket.socket]) -> int:
        control, data, errors = sockets
        try:
            process = subprocess.Popen(
                arguments,
                stdin=data.fileno(),
                stdout=data.fileno(),
                stderr=errors.fileno(),
                cwd=self.folder.home,
                env=self.folder.environment(),
                start_new_session=True,
            )
        except OSError as error:
            errors.sendall(f"{arguments[0]}: {error.strerror}\n".encode())
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        if time.monotonic() < self._away_until:  # it was cut off meanwhile
            process.kill()
        if self.vanishes and arguments[3:4] == [JOB]:
            self.vanishes = False
            threading.Timer(LOST_AFTER_S, self.cut, (AWAY_S,)).start()
        _wait(process, control)
        return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _arguments(control: socket.socket, size: int) -> list[str]:
    data = b""
    while len(data) < min(size, MOST_BYTES):
        part = control.recv(size - len(data))
        if not part:
            return []
        data += part
    return [str(part) for part in json.loads(data)]


def _wait(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Wait for *process* to end; if the other end disconnects first, hang up its session as adb does."""
    ended = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(control, select.POLLIN | select.POLLHUP)
        if all(number != ended for number, _event in poll.poll()):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGHUP)
        process.wait()
    finally:
        os.close(ended)


def processes(folder: Folder) -> list[int]:
    """Return the ids of the processes of the device in *folder*."""
    mark = f"{ROOT_VARIABLE}={folder.root}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it ended, or belongs to another user
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@contextmanager
def simulated(name: str, faults: Sequence[str] = ()) -> Iterator[Running]:
    """Give the simulated device *name*, running; at the end it is off, and its folder is deleted.

    Raises:
        UnknownNameError: there is no such device or fault.
        MissingToolError: this machine does not run Linux.
    """
    simulator: Simulator = simulator_called(name)
    chosen = simulator.with_faults(faults)
    if not Path("/proc/self/environ").exists() or not hasattr(os, "pidfd_open"):
        raise MissingToolError("simulated devices need Linux: their programs run on this machine, with its /proc")
    folder = Folder(Path(tempfile.mkdtemp(prefix="detlite-device-")))
    running = Running(folder, vanishes=any(fault.vanishes for fault in chosen))
    try:
        build(folder, simulator, chosen)
        running.listen()
        yield running
    finally:
        running.off()
        shutil.rmtree(folder.path, ignore_errors=True)
