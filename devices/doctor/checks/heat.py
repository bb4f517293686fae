"""Whether the device is throttled, or too hot to start."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.log_lines import whole
from detlite.devices.survey.device_state import throttling_of

HOT_C = 80.0
"""Degrees Celsius; Linux boards begin to slow down at 80 (Raspberry Pi) to 97 (Jetson)."""

FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"
NOW, BEFORE = 0x0F, 0x0F0000
UNDER_VOLTAGE = 0x1
"""Flags of the Raspberry Pi's firmware: under-voltage, capped, throttled, soft limit; shifted by 16: since boot."""

COOL = "let it cool down, with a fan or a heat sink, and measure again"


def _find(subject: Subject) -> Iterator[Finding]:
    for text in throttling_of(subject.sensors):
        yield spoils(text, f"{COOL}: `adb shell dumpsys thermalservice` shows when the status is 0")
    hot = {name: value for name, value in subject.sensors.temperatures_c.items() if value >= HOT_C}
    if hot:
        name = max(hot, key=lambda name: hot[name])
        yield spoils(f"{name} is at {hot[name]:.0f} degrees: it throttles soon, or does already", COOL)
    yield from _firmware(subject.answers.text(FIRMWARE))


def _firmware(text: str | None) -> Iterator[Finding]:
    flags = None if text is None else whole(str(int(text, 16)) if _is_hexadecimal(text) else "")
    if flags is None:
        return
    power = "use the maker's own power supply, with enough current" if flags & UNDER_VOLTAGE else COOL
    if flags & NOW:
        yield spoils(f"the firmware is throttling it (get_throttled {flags:#x})", power)
    elif flags & BEFORE:
        yield caution(f"the firmware has throttled it since boot (get_throttled {flags:#x})", COOL)


def _is_hexadecimal(text: str) -> bool:
    digits = text.removeprefix("0x")
    return 0 < len(digits) <= 8 and all(digit in "0123456789abcdefABCDEF" for digit in digits)


PLUGIN = Check("heat", _find, (f"text {FIRMWARE}",))
