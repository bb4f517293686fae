"""Opening the transport to a device of the inventory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from detlite.devices.inventory import Device
from detlite.devices.simulated.folder import Folder
from detlite.devices.transport.adb import open_adb
from detlite.devices.transport.local import LocalTransport
from detlite.devices.transport.simulated import SimulatedTransport
from detlite.devices.transport.ssh import open_ssh
from detlite.devices.transport.transport import Transport


@contextmanager
def connect(device: Device) -> Iterator[Transport]:
    """Give the transport to *device*, and close it at the end.

    Raises:
        MissingToolError: adb or ssh is not installed.
        DeviceError: adb reports that the device is not attached or not ready; ssh fails at the first command instead.
    """
    transport = _open(device)
    try:
        yield transport
    finally:
        transport.close()


def _open(device: Device) -> Transport:
    if device.simulated is not None:
        return SimulatedTransport(device.name, Folder(Path(device.simulated)))
    if device.way == "adb":
        return open_adb(device.name, device.serial)
    if device.address is not None:
        config = Path(device.ssh_config).expanduser() if device.ssh_config else None
        return open_ssh(device.name, device.address, user=device.user, port=device.port, ssh_config=config)
    return LocalTransport(device.name)
