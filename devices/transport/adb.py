"""Android devices over the `adb` program: always with the serial number and a time limit."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.devices.transport.program import Said, require, run_program
from detlite.devices.transport.run import last_line
from detlite.devices.transport.transport import LostError
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError, DeviceError, InputError

ASK_S = 10.0  # for adb itself: it may have to start its server
DEVICE = "device"  # adb's word for a device that is ready
SETTLING = {"offline", "connecting", "authorizing"}  # what a network device passes through after `adb connect`
SETTLE_S = 5.0

CURES = {
    "unauthorized": "unlock it and accept this computer's key in its dialog",
    "offline": "it is attached but does not answer: reconnect it, or restart USB debugging",
    "no permissions": "you have no permission to open it: `detlite doctor` shows the udev rule",
    "recovery": "it is in recovery mode: restart it",
    "bootloader": "it is in its boot loader: restart it",
}


@dataclass(frozen=True)
class AdbTransport:
    """The device with *serial* (over the network: `address:port`); *name* is its name in messages."""

    name: str
    serial: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the `adb shell` command that runs *arguments*: one quoted string, since adb joins its arguments."""
        return ["adb", "-s", self.serial, "shell", "-T", shlex.join(arguments)]

    def explain(self, said: str) -> DetliteError:
        """Return the state that `adb devices` reports, or else adb's own message *said*."""
        state = device_states().get(self.serial, "not attached")
        if state in CURES:
            return DeviceError(f"{self.name} ({self.serial}) is {state}: {CURES[state]}")
        if state != DEVICE:
            return LostError(
                f"{self.name} ({self.serial}) is {state}: check the cable or the network, and `adb devices`"
            )
        return LostError(f"{self.name} ({self.serial}): adb lost it; {last_line(said) or 'it printed nothing'}")

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        """Push all files with one `adb push`, which keeps their names: symbolic links give them the right ones."""
        with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
            for name, path in files.items():
                (Path(scratch) / name).symlink_to(path.absolute())
            links = [str(Path(scratch) / name) for name in files]
            said = run_program(["adb", "-s", self.serial, "push", *links, folder + "/"], timeout_s=timeout_s)
        if said.status is None:
            raise LostError(
                f"{self.name}: pushing {counted(len(files), 'file')} took longer than {timeout_s:.0f} s: is it "
                "connected?"
            )
        if said.status != 0:
            raise self._push_failure(said)

    def _push_failure(self, said: Said) -> DetliteError:
        text = said.err + said.out.decode(errors="replace")
        failed = [line for line in text.splitlines() if "error" in line.lower() or "fail" in line.lower()]
        if device_states().get(self.serial) == DEVICE and failed:
            return DeviceError(f"{self.name}: {failed[0].strip()[:300]}")
        return self.explain(text)

    def close(self) -> None:
        """Do nothing: adb's server belongs to the user."""


def open_adb(name: str, serial: str | None) -> AdbTransport:
    """Return the transport to the device with *serial*; without one, to the only device that is attached.

    Raises:
        MissingToolError: adb is not installed.
        InputError: no serial was given, and not exactly one device is attached.
        DeviceError: the device is not attached, or not ready.
    """
    require("adb", "Android's platform tools (the package adb of Debian)")
    states = device_states()
    serial = serial or _only(name, states)
    transport = AdbTransport(name, serial)
    if states.get(serial) != DEVICE and ":" in serial:  # adb forgets network devices, or keeps dead connections
        if serial in states:
            run_program(["adb", "disconnect", serial], timeout_s=ASK_S)
        run_program(["adb", "connect", serial], timeout_s=ASK_S)
        states = _settled_states(serial)
    if states.get(serial) != DEVICE:
        raise transport.explain("")
    return transport


def _settled_states(serial: str) -> dict[str, str]:
    deadline = time.monotonic() + SETTLE_S
    states = device_states()
    while states.get(serial) in SETTLING and time.monotonic() < deadline:
        time.sleep(0.1)
        states = device_states()
    return states


def _only(name: str, states: Mapping[str, str]) -> str:
    if len(states) != 1:
        found = ", ".join(sorted(states)) or "none"
        raise InputError(f"{name} has no serial, and attached are: {found}; set `serial` in the inventory")
    return next(iter(states))


def device_states() -> dict[str, str]:
    """Return the state of each device that adb sees, by its serial number.

    Raises:
        DeviceError: adb's server does not answer.
    """
    said = run_program(["adb", "devices"], timeout_s=ASK_S)
    if said.status != 0:
        raise DeviceError(f"adb devices failed: {last_line(said.err) or 'no answer'}; try `adb kill-server`")
    return parse_states(said.out.decode(errors="replace"))


def parse_states(text: str) -> dict[str, str]:
    """Return serial numbers and states from the output of `adb devices`; the reason after `no permissions` is cut."""
    rows = [line.split("\t", 1) for line in text.splitlines() if "\t" in line]
    return {serial.strip(): _state(state) for serial, state in rows}


def _state(text: str) -> str:
    return next((known for known in CURES if text.startswith(known)), text.strip().split(os.linesep)[0])
