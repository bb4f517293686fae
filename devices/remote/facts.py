"""What a record says of the device that it is about, above all whether that is a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detlite.devices.inventory import Device

EMULATED = "emulated"
Record = dict[str, Any]


def device_facts(device: Device, known: Mapping[str, str]) -> Record:
    """Return name, kind and way of *device*, and of what was seen on it: `machine`, `emulator`."""
    facts: Record = {"name": device.name, "kind": device.kind, "way": device.way, **known}
    return {**facts, EMULATED: is_emulated(device, known)}


def is_emulated(device: Device, known: Mapping[str, str]) -> bool:
    """Return whether *device* is no real one: the inventory says so, or it was seen there."""
    return device.is_emulated or bool(known.get("emulator"))


def say_emulated(record: Record) -> Record:
    """Return the measurement *record* as one of an emulated device: it is not valid, and says so first."""
    why = "the device is emulated: its times say nothing of a real one"
    reasons = [why, *record["reasons"]]
    return {EMULATED: True, **record, "reasons": reasons, "validity": f"INVALID because {'; '.join(reasons)}"}


def emulated_text(text: str) -> str:
    """Return *text* with the word before each line: none can be quoted without it."""
    return "".join(f"{EMULATED}: {line}\n" for line in text.splitlines())
