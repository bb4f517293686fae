"""What a record says of the device that it is about, above all whether that is a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detlite.devices.inventory import Device
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED, mark_of

Record = dict[str, Any]


def device_facts(device: Device, known: Mapping[str, str]) -> Record:
    """Return name, kind and way of *device*, and of what was seen on it: `machine`, `emulator`."""
    facts: Record = {"name": device.name, "kind": device.kind, "way": device.way, **known}
    return {**facts, EMULATED: is_emulated(device, known), SIMULATED: device.mark == SIMULATED}


def is_emulated(device: Device, known: Mapping[str, str]) -> bool:
    """Return whether *device* is no real one: the inventory says so, or it was seen there."""
    return bool(device.mark or known.get("emulator"))


def say_emulated(record: Record) -> Record:
    """Return the measurement *record* as one of an emulated or simulated device: not valid, and saying so first."""
    word = mark_of(record.get("device") or {}) or EMULATED
    reasons = [f"the device is {word}: its times say nothing of a real one", *record["reasons"]]
    validity = f"INVALID because {'; '.join(reasons)}"
    return {EMULATED: True, word: True, **record, "reasons": reasons, "validity": validity}


def with_device(record: Record, device: Device, known: Mapping[str, str]) -> Record:
    """Return the measurement *record* with what is known of *device*; not valid where that is no real one."""
    whole = {**record, "device": {**record.get("device", {}), **device_facts(device, known)}}
    return say_emulated(whole) if is_emulated(device, known) else whole
