"""Why `detlite.devices()` works: the library's function and this package have one name."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detlite.devices.inventory import Device


class CallablePackage(ModuleType):
    """The package `detlite.devices`, which can be called."""

    def __call__(self, inventory: str | Path | None = None) -> tuple[Device, ...]:
        """Return this machine and the devices in the file *inventory*; see `detlite.list_devices`."""
        from detlite.devices.inventory import list_devices

        return list_devices(inventory)
