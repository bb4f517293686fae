"""The lock of a device, held while this process sends heartbeats; both ends notice within seconds if the other is gone.

This end writes a line every two seconds, and the device answers each. If the lines stop, the device ends the job
with all its processes and frees itself; if the answers stop, the run ends with a `LostError`.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from detlite.devices.deploy.scripts import script
from detlite.devices.transport.program import end, start
from detlite.devices.transport.run import run
from detlite.devices.transport.transport import LostError, Transport
from detlite.runtime.errors import DetliteError, DeviceError

BEAT_S = 2.0
LOST_AFTER_S = 10.0
"""Longest time without an answer: five beats. Shorter outages are tolerated."""

SILENCE_S = 20
"""How long the device waits for a line from this machine before it ends the job."""

LOCK_AGE_S = 30
"""Age in seconds after which a lock is stale: its holder is gone, or would have ended the job."""

TAKE_S = 30.0
RELEASE_S = 10.0


class BusyDeviceError(DeviceError):
    """Someone else holds the device's lock."""


@dataclass(eq=False)
class Hold:
    """A held lock.

    Attributes:
        transport: how the device is reached.
        work: the work folder on the device.
        token: identifies this hold.
        boot: the device's boot id; a different one means that it restarted.
    """

    transport: Transport
    work: str
    token: str
    boot: str
    _process: subprocess.Popen[bytes]
    _heard: float = field(default_factory=time.monotonic)
    _end: str = ""
    _closing: threading.Event = field(default_factory=threading.Event)

    @property
    def lock(self) -> str:
        """The lock's folder on the device."""
        return f"{self.work}/lock"

    @property
    def is_lost(self) -> bool:
        """Whether the device has stopped answering, or someone else holds the lock."""
        return bool(self._end) or time.monotonic() - self._heard > LOST_AFTER_S

    def why_lost(self) -> DetliteError:
        """Ask the device once more, and return why it was lost as far as that can be told."""
        name = self.transport.name
        if self._end == "taken":
            return LostError(f"{name}: someone else took the device over after this machine fell silent")
        try:
            boot = run(self.transport, ["cat", "/proc/sys/kernel/random/boot_id"], timeout_s=3).out.decode().strip()
        except DetliteError as error:
            return LostError(f"{name} was lost during the job: {str(error).removeprefix(name).lstrip(': ')}")
        if boot != self.boot:
            return LostError(f"{name} restarted during the job (its boot id changed)")
        return LostError(f"{name}: the connection broke during the job; the device answers again")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed by `_close`
            for line in self._process.stdout:
                if line.strip() == b"heard":
                    self._heard = time.monotonic()
                else:
                    self._end = line.decode(errors="replace").strip()
        self._end = self._end or "gone"

    def _beat(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # the reader of answers notices
            while not self._closing.wait(BEAT_S):
                self._process.stdin.write(b"\n")
                self._process.stdin.flush()

    def _close(self) -> None:
        """Release the device: it ends what still runs, removes the lock, and confirms."""
        self._closing.set()
        was_lost = self.is_lost
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5 if was_lost else RELEASE_S)
        end(self._process)


@contextmanager
def hold(transport: Transport, work: str, job: str) -> Iterator[Hold]:
    """Hold the lock of the device's folder *work* while *job*, a description, runs, and release it at the end.

    Raises:
        BusyDeviceError: someone else holds it.
        DeviceError: the folder cannot be written.
        LostError: the device does not answer.
    """
    held = _take(transport, work, job)
    threads = [threading.Thread(target=work_on, daemon=True) for work_on in (held._listen, held._beat)]
    for thread in threads:
        thread.start()
    try:
        yield held
    finally:
        held._close()
        for thread in threads:
            thread.join(BEAT_S)


def _take(transport: Transport, work: str, job: str) -> Hold:
    token = secrets.token_hex(8)
    owner = " ".join(f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}, {job}".split())
    arguments = [work, token, owner, str(LOCK_AGE_S), str(SILENCE_S)]
    process = start(transport.command(["sh", "-c", script("hold"), "hold", *arguments]))
    timer = threading.Timer(TAKE_S, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        word, _space, rest = process.stdout.readline().decode(errors="replace").strip().partition(" ")
        if word != "held":
            raise _refusal(transport, process, word, rest)
    except BaseException:
        end(process)
        raise
    finally:
        timer.cancel()
    return Hold(transport, work, token, rest, process)


def _refusal(transport: Transport, process: subprocess.Popen[bytes], word: str, rest: str) -> DetliteError:
    if word == "refused" and rest.startswith("busy: "):
        return BusyDeviceError(f"{transport.name} is in use: {rest[6:]}; wait, or end that job")
    if word == "refused":
        return DeviceError(f"{transport.name}: its work folder cannot be used: {rest}")
    assert process.stderr is not None
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    if process.poll() is None:
        return LostError(f"{transport.name} has not answered for {TAKE_S:.0f} s")
    return transport.explain(process.stderr.read().decode(errors="replace"))
