"""A Jetson's INA3221 power monitors: power of each rail and of the module in mW, and energy per inference."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from detlite.devices.log_lines import whole
from detlite.devices.survey.questions import Answers

HWMON = "/sys/bus/i2c/drivers/ina3221*/*/hwmon/hwmon*/[ic]*_[il]*"
IIO = "/sys/bus/i2c/drivers/ina3221*/*/iio:device*/*_*"
QUESTIONS = (f"file {HWMON}", f"file {IIO}")
CHANNEL = re.compile(r"(.*)/(in|curr)(\d+)_(input|label)$")
"""JetPack 5 and newer: mV and mA."""

OLD_CHANNEL = re.compile(r"(.*)/(rail_name_|in_power)(\d+)(?:_input)?$")
"""JetPack 4: the rail's name, and mW."""


def rails_mw(answers: Answers) -> dict[str, float]:
    """Return the power of each rail by its label."""
    return parse_rails(answers.files(HWMON, IIO))


def parse_rails(files: Mapping[str, str]) -> dict[str, float]:
    """Return the power of each rail, from the sensors' *files* by path."""
    channels: dict[tuple[str, str], dict[str, str]] = {}
    for path, value in files.items():
        if found := CHANNEL.match(path) or OLD_CHANNEL.match(path):
            what = f"{found[2]}_{found[4]}" if found.re is CHANNEL else found[2]
            channels.setdefault((found[1], found[3]), {})[what] = value
    powers = {values.get("in_label", values.get("rail_name_")): _mw(values) for values in channels.values()}
    return {name: power for name, power in powers.items() if name and power is not None}


def _mw(values: Mapping[str, str]) -> float | None:
    volts, amperes = whole(values.get("in_input", "")), whole(values.get("curr_input", ""))
    if volts is not None and amperes is not None:
        return volts * amperes / 1000
    stated = whole(values.get("in_power", ""))
    return None if stated is None else float(stated)


def energy_mj(samples: Sequence[tuple[float, float]], begin_s: float, end_s: float) -> float | None:
    """Return the energy in mJ between *begin_s* and *end_s*, from (seconds, mW) *samples* in order of time.

    Power is interpolated linearly between samples (the trapezoidal rule), and is constant before the
    first and after the last. None if no sample is in between.
    """
    inside = [(at, mw) for at, mw in samples if begin_s <= at <= end_s]
    if not inside or end_s <= begin_s:
        return None
    points = [(begin_s, inside[0][1]), *inside, (end_s, inside[-1][1])]
    return sum((late - early) * (one + other) / 2 for (early, one), (late, other) in pairwise(points))
