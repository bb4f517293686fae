"""How a phone's battery and screen affect its clocks."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution
from detlite.devices.survey.device_state import LOW_BATTERY_PERCENT


def _find(subject: Subject) -> Iterator[Finding]:
    charge = subject.sensors.battery
    if charge is not None and charge.powered_by:
        yield caution(
            f"the battery is charging from {', '.join(charge.powered_by)}: charging warms the device",
            "connect over Wi-Fi (`adb tcpip 5555; adb connect ADDRESS:5555`), and unplug it",
        )
    if charge is not None and charge.level_percent is not None and charge.level_percent < LOW_BATTERY_PERCENT:
        yield caution(
            f"the battery is at {charge.level_percent:g}%: the battery saver may limit the clocks",
            "charge it, then unplug it",
        )
    if subject.sensors.screen_on is False:
        yield caution(
            "the screen is off: the system may limit the clocks",
            "adb shell svc power stayon true; adb shell input keyevent WAKEUP",
        )


PLUGIN = Check("battery and screen", _find)
