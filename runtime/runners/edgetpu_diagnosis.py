"""Why an Edge TPU cannot be opened: libedgetpu does not say, so the system's devices are inspected."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List

USB_UNLOADED = ("1a6e", "089a")
"""The Accelerator when plugged in; it loads its firmware at the first use, and becomes `USB_READY`."""

USB_READY = ("18d1", "9302")
PCI = ("0x1ac1", "0x089a")
USB3_MBITS = 5000.0

PLUGGED = (
    "replug the device, and run again; a container needs the whole of /dev/bus/usb, as the device's number changes"
)


@dataclass(frozen=True)
class EdgeTpuDiagnosis:
    """One Edge TPU that the system sees, and what is wrong with it.

    Attributes:
        where: `usb 2-1`, `pci 0000:01:00.0` or `/dev/apex_0`.
        cause: why it cannot be opened, and what to do.
    """

    where: str
    cause: str


def diagnose(root: Path = Path("/")) -> str:
    """Return, in one line, why no Edge TPU could be opened and what to do; *root* contains /sys and /dev."""
    found = [*_usb(root), *_pci(root)]
    if not found:
        return (
            "this machine sees no Edge TPU, neither on USB (1a6e:089a or 18d1:9302) nor on PCIe (1ac1:089a): plug it "
            "in, with a cable that carries data, or pass it through to the container or virtual machine"
        )
    return "; ".join(f"{item.where}: {item.cause}" for item in found)


def _usb(root: Path) -> List[EdgeTpuDiagnosis]:
    found = []
    for folder in _folders(root / "sys" / "bus" / "usb" / "devices"):
        ids = (_read(folder / "idVendor"), _read(folder / "idProduct"))
        if ids in (USB_UNLOADED, USB_READY):
            found.append(EdgeTpuDiagnosis(f"usb {folder.name}", _usb_cause(root, folder, ready=ids == USB_READY)))
    return found


def _usb_cause(root: Path, folder: Path, *, ready: bool) -> str:
    bus, number = _read(folder / "busnum").zfill(3), _read(folder / "devnum").zfill(3)
    node = root / "dev" / "bus" / "usb" / bus / number
    if not node.exists():
        return f"there is no /dev/bus/usb/{bus}/{number}: {PLUGGED}"
    if not os.access(node, os.W_OK):
        return (
            f"no permission to write to /dev/bus/usb/{bus}/{number}: install the udev rule of the Edge TPU runtime, "
            "add the user to the group plugdev, and replug the device"
        )
    speed = _read(folder / "speed")
    slow = speed.replace(".", "", 1).isdigit() and float(speed) < USB3_MBITS
    note = f" (at {speed} Mbit/s, USB 2: use a USB 3 port and cable)" if slow else ""
    if not ready:
        return f"plugged in, its firmware not loaded yet: normal before the first use; {PLUGGED}{note}"
    return f"ready and writable: another process holds it, or the device option names another{note}"


def _pci(root: Path) -> List[EdgeTpuDiagnosis]:
    nodes = sorted((root / "dev").glob("apex_*"))
    if nodes:
        return [EdgeTpuDiagnosis(f"/dev/{node.name}", _apex_cause(node)) for node in nodes]
    return [
        EdgeTpuDiagnosis(
            f"pci {folder.name}",
            "there is no /dev/apex_0: the gasket and apex drivers are missing, or not built for this kernel",
        )
        for folder in _folders(root / "sys" / "bus" / "pci" / "devices")
        if (_read(folder / "vendor"), _read(folder / "device")) == PCI
    ]


def _apex_cause(node: Path) -> str:
    if not os.access(node, os.W_OK):
        return "no permission to write to it: add the user to the group apex, and log in again"
    return "writable: another process holds it, or the device option names another"


def _folders(folder: Path) -> List[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # the device disappeared, or lacks this file
        return ""
