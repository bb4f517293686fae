"""Removing detlite's files from a device."""

from __future__ import annotations

from detlite.devices.deploy.device_lock import hold
from detlite.devices.deploy.scripts import script
from detlite.devices.transport.run import run_script
from detlite.devices.transport.transport import Transport
from detlite.runtime.errors import DeviceError

CLEAN_S = 60.0


def clean(transport: Transport, work: str) -> int:
    """Remove the files in the device's folder *work* and return the number of bytes freed; nothing else is touched.

    Raises:
        DeviceError: a job is running on the device, or the files cannot be removed.
    """
    with hold(transport, work, "clean"):
        said = run_script(transport, script("clean"), [work], timeout_s=CLEAN_S).strip()
    if not said.isdecimal():
        raise DeviceError(f"{transport.name}: cleaning {work} failed: {said[:100]!r}")
    return int(said) * 1024
