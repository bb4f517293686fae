"""Android's `dumpsys battery`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from detlite.devices.log_lines import ended, real, whole
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

LINE = re.compile(r"^[ \t]*([A-Za-z][A-Za-z ]*): *(\S+)[ \t\r]*$", re.M)
STATUSES = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}
"""BatteryManager's BATTERY_STATUS_*."""

BY_HAND = "UPDATES STOPPED"  # after `dumpsys battery set` or `unplug`


@dataclass(frozen=True)
class Battery:
    """The battery; None for what the dump does not say.

    Attributes:
        level_percent: its charge.
        status: `charging`, `discharging`, `not charging`, `full`, `unknown`.
        powered_by: `AC`, `USB`, `Wireless`, `Dock`; empty on battery.
        temperature_c: in degrees Celsius; the dump has tenths.
        problems: what is missing from the text, or was set by hand.
    """

    level_percent: float | None
    status: str | None
    powered_by: tuple[str, ...]
    temperature_c: float | None
    voltage_mv: float | None
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[Battery]:
    """Return the battery that *text* describes.

    Raises:
        InputError: it is not such a dump.
    """
    text, problems = ended(text)
    values = {found[1].strip(): found[2] for found in LINE.finditer(text)}
    if "level" not in values and "status" not in values:
        raise InputError("no dump of Android's battery service: expected lines such as `level: 94` and `status: 2`")
    level, scale = real(values.get("level", "")), real(values.get("scale", ""))
    temperature = real(values.get("temperature", ""))
    status = whole(values.get("status", ""))
    known = {
        "level": level is not None and scale is not None and 0 <= level <= scale and scale > 0,
        "status": status in STATUSES,
        "temperature": temperature is not None,
        "powered by what": {"AC powered", "USB powered"} <= values.keys(),
    }
    lacks = [name for name, is_known in known.items() if not is_known]
    problems += (f"missing: {', '.join(lacks)}",) if lacks else ()
    problems += ("its values were set by hand: `dumpsys battery reset` undoes that",) if BY_HAND in text else ()
    return (
        Battery(
            level_percent=100 * level / scale if known["level"] and level is not None and scale else None,
            status=None if status is None else STATUSES.get(status),
            powered_by=tuple(
                key.removesuffix(" powered") for key, v in values.items() if key.endswith(" powered") and v == "true"
            ),
            temperature_c=None if temperature is None else temperature / 10,
            voltage_mv=real(values.get("voltage", "")),
            problems=problems,
        ),
    )


PLUGIN = Format(
    title="Android's dumpsys battery",
    recognize=lambda text: "Battery Service state" in text,
    parse=parse,
)
