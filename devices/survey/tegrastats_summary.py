"""Summary of `tegrastats` during a run: GPU load and clocks, temperatures, power of the module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detlite.devices.kind import Lines
from detlite.devices.parsers import tegrastats
from detlite.devices.survey.ina import energy_mj
from detlite.runtime.errors import InputError

Record = dict[str, Any]


def tegrastats_summary(lines: Lines) -> Record:
    """Return the summary of *lines*; only `samples` if none of them is a sample."""
    samples = [(at, sample) for at, line in lines for sample in _samples(line)]
    temperatures: dict[str, float] = {}
    for _at, sample in samples:
        for name, value in sample.temperatures_c.items():
            temperatures[name] = max(value, temperatures.get(name, value))
    powers = [(at, sample.power_mw) for at, sample in samples if sample.power_mw is not None]
    loads = [sample.gpu_percent for _at, sample in samples if sample.gpu_percent is not None]
    found: Record = {
        "samples": len(samples),
        "gpu_percent_mean": sum(loads) / len(loads) if loads else None,
        "gpu_mhz_max": _most(clock for _at, sample in samples for clock in sample.gpu_mhz),
        "ram_mb_max": _most(sample.ram_mb for _at, sample in samples if sample.ram_mb is not None),
        "temperatures_max_c": temperatures or None,
    }
    if len(powers) > 1:
        begin_s, end_s = powers[0][0], powers[-1][0]
        energy = energy_mj(powers, begin_s, end_s)
        found["mean_power_mw"] = None if energy is None else energy / (end_s - begin_s)
    return {key: value for key, value in found.items() if value is not None}


def _samples(line: str) -> tuple[tegrastats.Sample, ...]:
    try:
        return tegrastats.parse(f"{line}\n")
    except InputError:  # an unrelated or truncated line
        return ()


def _most(values: Iterable[int]) -> int | None:
    return max(values, default=None)
