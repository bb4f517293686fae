"""Whether the device says how it stands."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution


def _find(subject: Subject) -> Iterator[Finding]:
    for problem in subject.sensors.problems:
        yield caution(
            f"not known: {problem}",
            "give the login the right to ask (nvpmodel, tegrastats, dumpsys), or write it down by hand",
        )


PLUGIN = Check("what its sensors say", _find)
