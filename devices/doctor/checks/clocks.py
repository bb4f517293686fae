"""Whether something limits the processor's clocks, or lets them vary."""

from __future__ import annotations

from collections.abc import Iterator

from detlite.devices.doctor.finding import Check, Finding, Subject, caution, spoils
from detlite.devices.survey.cpu import Cluster
from detlite.runtime.measure.state import SLOWER_CLOCK, STEADY

OWN = ("intel_pstate", "amd-pstate-epp")
"""Drivers whose `powersave` lets the processor choose its clock, instead of fixing the lowest."""


def _find(subject: Subject) -> Iterator[Finding]:
    for names, one in _alike(subject.sensors.clusters):
        if one.governor == "powersave" and one.driver not in OWN:
            yield spoils(f"the governor of {names} is powersave: it keeps the lowest clock", subject.kind.hold_clocks)
        elif one.governor is not None and one.governor not in STEADY:
            yield caution(f"the governor of {names} is {one.governor}: its clock may vary", subject.kind.hold_clocks)
        most, limit = one.hardware_max_khz or 0, one.max_khz or 0
        if 0 < limit < SLOWER_CLOCK * most:
            yield spoils(f"{names} is limited to {limit} of {most} kHz", _free(subject))


def _alike(clusters: tuple[Cluster, ...]) -> list[tuple[str, Cluster]]:
    """Return the names of clusters alike in what is checked, with one of them: a server has one per core."""
    kinds: dict[tuple[object, ...], list[Cluster]] = {}
    for one in clusters:
        kinds.setdefault((one.governor, one.driver, one.max_khz, one.hardware_max_khz), []).append(one)
    return [(_names(alike), alike[0]) for alike in kinds.values()]


def _names(alike: list[Cluster]) -> str:
    first, more = alike[0].name, len(alike) - 1
    return f"{first} and {more} more" if more else first


def _free(subject: Subject) -> str:
    if subject.is_android:
        return "let it cool, unplug it, and turn off its battery saver: `adb shell cmd power set-mode 0`"
    if subject.sensors.power_modes is not None:
        return "choose a power mode with more power (`sudo nvpmodel -m 0`), then `sudo jetson_clocks`"
    return (
        "let it cool, then `for p in /sys/devices/system/cpu/cpufreq/policy*; do sudo cp $p/cpuinfo_max_freq "
        "$p/scaling_max_freq; done`"
    )


PLUGIN = Check("the processor's clocks", _find)
