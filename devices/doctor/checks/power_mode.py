"""Whether a Jetson is in the power mode that the inventory requires."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.survey.power_mode_check import power_mode_problem


def _find(subject: Subject) -> Iterator[Finding]:
    wanted, modes = subject.device.power_mode, subject.sensors.power_modes
    problem = power_mode_problem(wanted, modes)
    if problem is not None:
        yield spoils(*problem)
    elif modes is not None and wanted is None:
        yield caution(
            f"the inventory requires no power mode; the device is in {modes.current or 'an unknown one'}",
            f'add power_mode = "{modes.current or "MAXN"}" to [{subject.device.name}], to measure in no other mode',
        )


PLUGIN = Check("the power mode", _find)
