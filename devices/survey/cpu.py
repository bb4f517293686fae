"""Processor cores that share a clock, as cpufreq describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from detlite.devices.log_lines import whole
from detlite.devices.survey.questions import Answers

POLICIES = "/sys/devices/system/cpu/cpufreq/policy*/*"
FIRST = "/sys/devices/system/cpu/cpu0/cpufreq/*"
QUESTIONS = (f"file {POLICIES}", f"file {FIRST}")
POLICY = re.compile(r"/sys/devices/system/cpu/(?:cpufreq/)?(policy\d+|cpu0)/(?:cpufreq/)?(\w+)$")
MOST_CORES = 4096


@dataclass(frozen=True)
class Cluster:
    """Processor cores that share a clock, in kHz; None if the system does not say.

    Attributes:
        name: of the policy: `policy4`.
        cores: their numbers.
        governor: the cpufreq governor.
        driver: the cpufreq driver: `intel_pstate`.
        now_khz: the current clock.
        min_khz: the lowest clock that the governor may set.
        max_khz: the highest clock that it may set; below *hardware_max_khz* if something limits it.
        hardware_max_khz: the processor's highest clock.
    """

    name: str
    cores: tuple[int, ...]
    governor: str | None
    driver: str | None
    now_khz: int | None
    min_khz: int | None
    max_khz: int | None
    hardware_max_khz: int | None

    @property
    def mask(self) -> str:
        """The cores as `taskset` takes them: hexadecimal."""
        return f"{sum(1 << core for core in self.cores):x}"


def clusters(answers: Answers) -> tuple[Cluster, ...]:
    """Return the clusters, the slowest first: `little` before `big`."""
    return parse_clusters(answers.files(POLICIES) or answers.files(FIRST))


def parse_clusters(files: Mapping[str, str]) -> tuple[Cluster, ...]:
    """Return the clusters that cpufreq's *files* describe, by path, the slowest first."""
    policies: dict[str, dict[str, str]] = {}
    for path, value in files.items():
        if match := POLICY.match(path):
            policies.setdefault(match[1], {})[match[2]] = value
    found = [_cluster(name, values) for name, values in policies.items()]
    return tuple(sorted(found, key=lambda one: (one.hardware_max_khz or 0, len(one.name), one.name)))


def _cluster(name: str, values: Mapping[str, str]) -> Cluster:
    cores = [number for word in values.get("related_cpus", "").split() if (number := whole(word)) is not None]
    return Cluster(
        name=name,
        cores=tuple(core for core in cores if 0 <= core < MOST_CORES),
        governor=values.get("scaling_governor"),
        driver=values.get("scaling_driver"),
        now_khz=whole(values.get("scaling_cur_freq", "")),
        min_khz=whole(values.get("scaling_min_freq", "")),
        max_khz=whole(values.get("scaling_max_freq", "")),
        hardware_max_khz=whole(values.get("cpuinfo_max_freq", "")),
    )
