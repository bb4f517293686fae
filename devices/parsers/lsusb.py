"""`lsusb`: the devices on USB; the Edge TPU's id changes when its firmware is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.recording import Format
from detlite.runtime.errors import InputError
from detlite.runtime.runners.edgetpu_diagnosis import USB_READY, USB_UNLOADED

LINE = re.compile(r"^Bus (\d{3}) Device (\d{3}): ID ([0-9a-f]{4}):([0-9a-f]{4})(?: (.*?))?[ \r]*$", re.M)


@dataclass(frozen=True)
class UsbDevice:
    """One device on USB.

    Attributes:
        edgetpu: `waiting` before its firmware is loaded, `ready` after; None for any other device.
    """

    bus: int
    number: int
    vendor: str
    product: str
    name: str
    edgetpu: str | None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[UsbDevice, ...]:
    """Return the devices in *text*, in order.

    Raises:
        InputError: there are none.
    """
    found = tuple(_device(match) for match in LINE.finditer(text))
    if not found:
        raise InputError("found nothing of lsusb: expected lines like `Bus 002 Device 002: ID 18d1:9302 Google Inc.`")
    return found


def _device(match: re.Match[str]) -> UsbDevice:
    edgetpu = {USB_UNLOADED: "waiting", USB_READY: "ready"}.get((match[3], match[4]))
    return UsbDevice(int(match[1]), int(match[2]), match[3], match[4], match[5] or "", edgetpu)


PLUGIN = Format(
    title="lsusb",
    recognize=lambda text: bool(LINE.search(text)),
    parse=parse,
)
