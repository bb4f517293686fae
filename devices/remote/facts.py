"""What a result says of the device that it is about, above all whether that is a real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from detlite.devices.benchmark_result import BenchmarkResult
from detlite.devices.inventory import Device
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED
from detlite.runtime.measure.results import Measurement

Measured = TypeVar("Measured", Measurement, BenchmarkResult)
Record = dict[str, Any]


def device_facts(device: Device, known: Mapping[str, str]) -> Record:
    """Return name, kind and transport of *device*, and what was seen on it: `machine`, `emulator`."""
    facts: Record = {"name": device.name, "kind": device.kind, "way": device.way, **known}
    return {**facts, EMULATED: is_emulated(device, known), SIMULATED: device.mark == SIMULATED}


def is_emulated(device: Device, known: Mapping[str, str]) -> bool:
    """Return whether *device* is no real one: the inventory says so, or it was seen there."""
    return bool(device.mark or known.get("emulator"))


def marked_emulated(found: Measured, word: str = EMULATED) -> Measured:
    """Return *found* as measured on a device that is emulated, or simulated as *word* says: never valid."""
    reasons = (f"the device is {word}: its times say nothing of a real one", *found.reasons)
    return replace(found, emulated=True, simulated=word == SIMULATED, reasons=reasons)


def with_device(found: Measured, device: Device, known: Mapping[str, str]) -> Measured:
    """Return *found* with what is known of *device*; not valid where that is no real one."""
    whole = replace(found, device={**found.device, **device_facts(device, known)})
    return marked_emulated(whole, device.mark or EMULATED) if is_emulated(device, known) else whole
