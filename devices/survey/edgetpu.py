"""Edge TPUs that a device sees: on USB, before or after loading firmware, or on PCIe as `/dev/apex_N`."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.devices.log_lines import real, whole
from detlite.devices.survey.questions import Answers

APEX = "/sys/class/apex/apex_*/temp"
PACKAGES = r"dpkg-query -W -f=${Package}=${Version}\n libedgetpu1-*"
QUESTIONS = ("edgetpu", f"run {PACKAGES}")

Words = list[str]


@dataclass(frozen=True)
class EdgeTpu:
    """One Edge TPU.

    Attributes:
        bus: `usb` or `pci`.
        place: where it is: `2-1`, `apex_0`, `0000:01:00.0`.
        is_ready: whether its firmware is loaded; on USB that happens at first use, and changes its USB id.
        speed_mbits: its USB port's speed in Mbit/s; None on PCIe.
        access: `writable`, `refused` (no permission) or `missing` (no such file in /dev).
        node: the file in /dev; "" if its driver is missing.
    """

    bus: str
    place: str
    is_ready: bool
    speed_mbits: float | None
    access: str
    node: str


def edgetpus(answers: Answers) -> tuple[EdgeTpu, ...]:
    """Return the Edge TPUs that the device sees."""
    rows = answers.lines("edgetpu")
    nodes = [EdgeTpu("pci", words[1], True, None, words[2], words[3]) for words in rows if _is(words, "apex", 4)]
    driven = [EdgeTpu("pci", words[1], False, None, "missing", "") for words in rows if _is(words, "pci", 2)]
    return (*(_usb(words) for words in rows if _is(words, "usb", 6)), *(nodes or driven))


def _is(words: Words, bus: str, count: int) -> bool:
    return words[0] == bus and len(words) == count


def _usb(words: Words) -> EdgeTpu:
    return EdgeTpu("usb", words[1], words[2] == "ready", real(words[3]), words[4], words[5])


def apex_temperatures_c(answers: Answers) -> dict[str, float]:
    """Return the temperature of each Edge TPU on PCIe; those on USB report none."""
    found = {path.split("/")[-2]: whole(value) for path, value in answers.files(APEX).items()}
    return {f"edgetpu {name}": value / 1000 for name, value in found.items() if value is not None}


def clock_of(packages: str | None) -> str | None:
    """Return the clock of the runtime named in *packages*: `max` (500 MHz) or `std` (250 MHz).

    The library itself does not say; Debian's package does, for both are called libedgetpu.so.1.
    """
    names = [line.partition("=")[0] for line in (packages or "").splitlines() if line.partition("=")[2]]
    return next((clock for clock in ("max", "std") if f"libedgetpu1-{clock}" in names), None)
