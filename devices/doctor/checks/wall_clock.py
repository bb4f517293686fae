"""Whether the device's wall clock is right: it dates logs and records."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution

MOST_SKEW_S = 30.0


def _find(subject: Subject) -> Iterator[Finding]:
    if subject.skew_s is None or abs(subject.skew_s) <= MOST_SKEW_S:
        return
    way = "ahead of" if subject.skew_s > 0 else "behind"
    yield caution(
        f"its clock is {abs(subject.skew_s):.0f} s {way} this machine's: its records and logs have wrong dates, but "
        "latencies are right: they use the monotonic clock",
        "adb shell settings put global auto_time 1" if subject.is_android else "sudo timedatectl set-ntp true",
    )


PLUGIN = Check("the wall clock", _find)
