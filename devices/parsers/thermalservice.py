"""Android's `dumpsys thermalservice`: only the HAL's current values count; the cached ones can be hours old."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import real, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

STATUS = re.compile(r"^\s*Thermal Status: (\d+)\s*$", re.M)
READY = re.compile(r"^\s*HAL Ready: (true|false)\s*$", re.M)
OVERRIDDEN = re.compile(r"^\s*IsStatusOverride: true\s*$", re.M)
CURRENT, AFTER = "Current temperatures from HAL:", "Current cooling devices from HAL:"
READING = re.compile(r"Temperature\{mValue=([^,}]+), mType=(-?\d+), mName=([^,}]*), mStatus=(\d+)\}")
STATUSES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""PowerManager's THERMAL_STATUS_*, 0 to 6."""

KINDS = {
    -1: "unknown",
    0: "CPU",
    1: "GPU",
    2: "battery",
    3: "skin",
    4: "USB",
    5: "power amplifier",
    9: "NPU",
    10: "TPU",
    11: "display",
    12: "modem",
    13: "SoC",
    14: "Wi-Fi",
    15: "camera",
    16: "flashlight",
    17: "speaker",
    18: "ambient",
    19: "pogo pins",
}
"""Temperatures among the HAL's TemperatureType values (of its AIDL since Android 11).

6, 7 and 8 are volts, amperes and percents of a limit.
"""

NAMED = {
    "TYPE_CPU": "CPU",
    "TYPE_GPU": "GPU",
    "TYPE_BATTERY": "battery",
    "TYPE_SKIN": "skin",
    "TYPE_USB_PORT": "USB",
    "TYPE_POWER_AMPLIFIER": "power amplifier",
    "TYPE_NPU": "NPU",
}
"""Some vendors count the types from 1 and name their sensors after them: then the name is right."""

COLDEST_C, HOTTEST_C = -40.0, 200.0  # beyond these the sensor is missing


@dataclass(frozen=True)
class Reading:
    """One sensor: its name, its kind according to the HAL, degrees Celsius, and its status."""

    name: str
    kind: str
    value_c: float
    status: int


@dataclass(frozen=True)
class Thermal:
    """The thermal service's report.

    Attributes:
        status: 0 (none) to 6 (shutdown); None if missing.
        is_overridden: whether `cmd thermalservice override-status` set it.
        readings: the HAL's current readings; empty if it is not ready.
        problems: what is missing from the text.
    """

    status: int | None
    is_overridden: bool
    readings: tuple[Reading, ...]
    problems: tuple[str, ...] = ()

    @property
    def is_throttling(self) -> bool:
        """Whether the system throttles, or a sensor is over one of its thresholds."""
        return bool(self.status) or any(reading.status > 0 for reading in self.readings)


def parse(text: str) -> tuple[Thermal]:
    """Return the report in *text*.

    Raises:
        InputError: it is not such a dump.
    """
    status, ready = STATUS.search(text), READY.search(text)
    if status is None and ready is None and CURRENT not in text:
        raise InputError(
            "no dump of Android's thermal service: expected `Thermal Status: N`, `HAL Ready: true` and readings"
        )
    _before, mark, rest = text.partition(CURRENT)
    current = rest.partition(AFTER)[0]
    found = [_reading(*match.groups()) for match in READING.finditer(current)]
    readings = tuple(reading for reading in found if reading is not None)
    level = whole(status[1]) if status else None
    problems = [] if level is not None and level < len(STATUSES) else ["the thermal status is missing"]
    if ready is None or ready[1] == "false":
        problems.append("the HAL is not ready: it reports no temperatures")
    elif not mark or not readings:
        problems.append("the HAL's temperatures are missing; cached ones can be old, and are not used")
    elif lost := len([line for line in current.splitlines() if line.strip()]) - len(found):
        problems.append(f"{lost} of the HAL's temperatures are unreadable")
    if READING.search(current) and AFTER not in rest:
        problems.append("it ends within the temperatures: truncated")
    return (Thermal(level, bool(OVERRIDDEN.search(text)), readings, tuple(problems)),)


def _reading(value: str, kind: str, name: str, status: str) -> Reading | None:
    """Return the reading, or None if it is not a temperature: volts, amperes, a percentage, or a missing sensor."""
    number, code, level = real(value), whole(kind), whole(status)
    what = NAMED.get(name) or KINDS.get(-2 if code is None else code)
    if number is None or what is None or level is None or not COLDEST_C <= number <= HOTTEST_C:
        return None
    return Reading(name, what, number, level)


PLUGIN = Format(
    title="Android's dumpsys thermalservice",
    recognize=lambda text: bool(STATUS.search(text)) and "HAL Ready" in text,
    parse=parse,
)
