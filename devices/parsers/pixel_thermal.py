"""A Pixel's thermal HAL in logcat: `pixel-thermal: VIRTUAL-SKIN:42.4 raw data: ...`, written while it throttles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from detlite.devices.log_lines import ended, real
from detlite.devices.recording import Format
from detlite.runtime.errors import InputError

LINE = re.compile(r"pixel-thermal *: *([A-Za-z0-9_-]+):(-?[0-9.]+) raw data:(.*)$", re.M)
RAW = re.compile(r"([A-Za-z0-9_-]+):(-?[0-9.]+)")


@dataclass(frozen=True)
class ThermalLine:
    """One line: a sensor, and those that it was computed from, in degrees Celsius."""

    sensor: str
    value_c: float
    parts_c: Mapping[str, float]
    problems: tuple[str, ...] = ()


def parse(text: str) -> tuple[ThermalLine, ...]:
    """Return the readings in *text*.

    Raises:
        InputError: there are none.
    """
    whole, problems = ended(text)
    found = [(match[1], real(match[2]), match[3]) for match in LINE.finditer(whole)]
    lines = tuple(_line(sensor, value, rest) for sensor, value, rest in found if value is not None)
    if not lines:
        raise InputError("found no lines of a Pixel's thermal HAL: expected `pixel-thermal: SENSOR:42.4 raw data: ...`")
    return (*lines[:-1], replace(lines[-1], problems=lines[-1].problems + problems))


def _line(sensor: str, value_c: float, rest: str) -> ThermalLine:
    pairs = [RAW.fullmatch(word) for word in rest.split()]
    raw = {pair[1]: number for pair in pairs if pair is not None and (number := real(pair[2])) is not None}
    parts = {name: number / 1000 for name, number in raw.items()}  # raw values are thousandths
    problems = () if raw and len(raw) == len(pairs) else ("the raw data is truncated or unreadable",)
    return ThermalLine(sensor, value_c, parts, problems)


PLUGIN = Format(
    title="a Pixel's thermal HAL in logcat",
    recognize=lambda text: "pixel-thermal" in text and "raw data:" in text,
    parse=parse,
)
