"""Whether the device's state can be read."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution


def _find(subject: Subject) -> Iterator[Finding]:
    for problem in subject.sensors.problems:
        yield caution(
            f"unknown: {problem}",
            "allow the login to run nvpmodel, tegrastats or dumpsys, or note the state by hand",
        )


PLUGIN = Check("its sensors", _find)
