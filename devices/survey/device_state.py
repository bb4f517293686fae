"""The state of a device before and after a run: its record, and what makes the figures doubtful."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from detlite.devices.kind import Sensors
from detlite.devices.parsers.thermalservice import STATUSES
from detlite.runtime.measure.state import SLOWER_CLOCK, STEADY

LOW_BATTERY_PERCENT = 20.0
"""Battery level in percent below which Android's battery saver limits the clocks."""

Record = dict[str, Any]


def standing_record(sensors: Sensors) -> Record:
    """Return *sensors* as plain data for JSON; a missing sensor is left out."""
    modes = sensors.power_modes
    found = {
        "temperatures_c": dict(sensors.temperatures_c),
        "clusters": [asdict(one) for one in sensors.clusters],
        "thermal_status": sensors.thermal_status,
        "power_mode": None if modes is None else modes.current,
        "power_mw": sensors.power_mw,
        "rails_mw": dict(sensors.rails_mw),
        "battery": None if sensors.battery is None else asdict(sensors.battery),
        "screen_on": sensors.screen_on,
        "problems": list(sensors.problems),
    }
    return {key: value for key, value in found.items() if value not in (None, {}, [])}


def cautions_of(sensors: Sensors) -> list[str]:
    """Return what makes a measurement on a device in this state doubtful, one sentence each."""
    unsteady = sorted({one.governor for one in sensors.clusters if one.governor} - set(STEADY))
    found = [f"the processor's governor is {governor}: its clock may vary" for governor in unsteady]
    charge = sensors.battery
    if charge is not None and charge.powered_by:
        found.append(f"the battery is charging from {', '.join(charge.powered_by)}: charging warms the device")
    if charge is not None and charge.level_percent is not None and charge.level_percent < LOW_BATTERY_PERCENT:
        found.append(f"the battery is at {charge.level_percent:g}%: the battery saver may limit the clocks")
    if sensors.screen_on is False:
        found.append("the screen is off: the system may limit the clocks")
    return [*found, *(f"unknown: {problem}" for problem in sensors.problems)]


def throttling_of(sensors: Sensors) -> list[str]:
    """Return the evidence that the device is throttled now."""
    status = sensors.thermal_status
    if not status:
        return []
    name = STATUSES[status] if status < len(STATUSES) else "unknown"
    return [f"throttling: Android's thermal status is {status} ({name})"]


def changes(before: Sensors, after: Sensors) -> list[str]:
    """Return the evidence that the device was throttled or its power mode changed during the run."""
    found = throttling_of(after) or throttling_of(before)
    was = {one.name: one.max_khz or 0 for one in before.clusters}
    for one in after.clusters:
        if (one.max_khz or 0) < SLOWER_CLOCK * was.get(one.name, 0):
            found.append(f"throttling: the highest clock of {one.name} fell from {was[one.name]} to {one.max_khz} kHz")
    modes = [None if one.power_modes is None else one.power_modes.current for one in (before, after)]
    if modes[0] != modes[1]:
        found.append(f"power mode: it changed from {modes[0]} to {modes[1]} during the measurement")
    return found
