"""What every Linux device reports: name, processor, system, clocks and temperatures."""

from __future__ import annotations

from detlite.devices.kind import Identity, Sensors
from detlite.devices.log_lines import whole
from detlite.devices.survey.cpu import QUESTIONS as CLOCKS
from detlite.devices.survey.cpu import clusters
from detlite.devices.survey.questions import Answers

MODEL, RELEASE, CPUINFO = "/proc/device-tree/model", "/etc/os-release", "/proc/cpuinfo"
IDENTITY = ("run uname -m", "run uname -r", f"text {MODEL}", f"text {RELEASE}", f"text {CPUINFO}")
ZONES = "/sys/class/thermal/thermal_zone*"
SENSORS = (*CLOCKS, f"file {ZONES}/type", f"file {ZONES}/temp")
COLDEST, HOTTEST = -100_000, 200_000  # millidegrees; beyond these the sensor is off
NAMES = ("model name", "Model", "Hardware")


def temperatures_c(answers: Answers) -> dict[str, float]:
    """Return the temperature of each thermal zone, by the zone's type."""
    types, found = answers.files(f"{ZONES}/type"), {}
    for path, value in answers.files(f"{ZONES}/temp").items():
        number = whole(value)
        if number is not None and COLDEST < number < HOTTEST:
            zone = path.split("/")[-2]
            found[f"{types.get(path.removesuffix('temp') + 'type', zone)} ({zone})"] = number / 1000
    return found


def identify_linux(answers: Answers) -> Identity:
    """Return what the device tree, `/proc/cpuinfo` and `/etc/os-release` say."""
    machine = answers.said("uname -m") or "unknown"
    chip = _first(answers.text(CPUINFO) or "", ":", NAMES) or machine
    system = (_first(answers.text(RELEASE) or "", "=", ("PRETTY_NAME",)) or "Linux").strip('"')
    facts = {"architecture": machine, "kernel": answers.said("uname -r") or "unknown"}
    return Identity(answers.text(MODEL) or chip, chip, system, facts)


def sense_linux(answers: Answers) -> Sensors:
    """Return the temperatures and clocks that Linux reports."""
    return Sensors(temperatures_c=temperatures_c(answers), clusters=clusters(answers))


def is_linux(answers: Answers) -> bool:
    """Return whether the kernel is Linux."""
    return bool(answers.said("uname -m"))


def _first(text: str, separator: str, names: tuple[str, ...]) -> str | None:
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found and key.strip() in names and value.strip():
            return value.strip()
    return None
