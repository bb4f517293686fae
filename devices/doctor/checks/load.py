"""Whether other programs compete with the measured one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution
from detlite.devices.log_lines import real
from detlite.runtime.counts import counted
from detlite.runtime.measure.state import BUSY_LOAD

LOAD, CORES = "/proc/loadavg", "/sys/devices/system/cpu/online"
RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?$")


def _find(subject: Subject) -> Iterator[Finding]:
    load = real((subject.answers.files(LOAD).get(LOAD) or "").partition(" ")[0])
    cores = _count(subject.answers.files(CORES).get(CORES, ""))
    if load is not None and cores and load > BUSY_LOAD * cores:
        show = "adb shell top -n 1" if subject.is_android else "top -b -n 1 | head -20"
        yield caution(
            f"it is busy: load {load:.2f} on {counted(cores, 'core')}", f"`{show}` shows with what: end it, or wait"
        )


def _count(text: str) -> int:
    """Return the number of cores in a kernel's list: `0-3,6` has five."""
    found = [RANGE.match(part) for part in text.split(",")]
    return sum(int(one[2] or one[1]) - int(one[1]) + 1 for one in found if one)


PLUGIN = Check("other programs", _find, (f"file {LOAD}", f"file {CORES}"))
