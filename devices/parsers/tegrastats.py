"""NVIDIA's `tegrastats`, one sample per line, in the formats of Nano, TX2, Xavier, Orin and JetPack 4 to 7."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from detlite.devices.log_lines import ended, real, whole
from detlite.devices.recording import Format
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.measure.rails import total_mw

DATE = re.compile(r"(\d\d-\d\d-\d{4} \d\d:\d\d:\d\d) ")
RAM = re.compile(r"\bRAM (\d+)/(\d+)MB")
SWAP = re.compile(r"\bSWAP (\d+)/(\d+)MB")
CPU = re.compile(r"\bCPU \[([^\]]*)\]")
CORE = re.compile(r"(\d+)%(?:@(\d+))?$")
GPU = re.compile(r"\bGR3D_FREQ (\d+)%(?:@(?:\[([\d,]+)\]|(\d+)))?(?!\S)")
MEMORY_BUS = re.compile(r"\bEMC_FREQ (\d+)%(?:@(\d+))?(?!\S)")
TEMPERATURE = re.compile(r"(?<!\S)([A-Za-z][A-Za-z0-9_.]*)@(-?\d+(?:\.\d+)?)C(?:/-?\d+(?:\.\d+)?C)?(?!\S)")
RAIL = re.compile(r"(?<!\S)([A-Z][A-Z0-9_]*) (\d+)(mW)?/(\d+)(mW)?(?:/(\d+)(mW)?)?(?!\S)")
NOT_RAILS = ("RAM", "SWAP", "IRAM")
OFF_C = -200.0  # a rail that is switched off reports -256
PLACEHOLDER = ("PMIC", 100.0)  # not a sensor: Nano, TX2 and Xavier always report 100 degrees


@dataclass(frozen=True)
class Core:
    """A processor core: its load and clock; *percent* is None if it is off."""

    percent: int | None
    clock_mhz: int | None = None


@dataclass(frozen=True)
class Rail:
    """A power rail: the current power, and the mean since tegrastats started."""

    now_mw: float
    mean_mw: float


@dataclass(frozen=True)
class Sample:
    """One line.

    Attributes:
        at: its date if it has one, in whole seconds of the board's clock.
        cores: in the board's order.
        gpu_percent: the GPU's load.
        gpu_mhz: the GPU's clocks, one per cluster; empty if the line has none.
        temperatures_c: by sensor, without those of rails that are off and the PMIC's placeholder.
        rails: by the board's names.
        problems: what is missing from the line.
    """

    at: datetime | None
    ram_mb: int | None
    ram_total_mb: int | None
    swap_mb: int | None
    cores: tuple[Core, ...]
    gpu_percent: int | None
    gpu_mhz: tuple[int, ...]
    memory_bus_percent: int | None
    temperatures_c: Mapping[str, float]
    rails: Mapping[str, Rail]
    problems: tuple[str, ...] = ()

    @property
    def power_mw(self) -> float | None:
        """Power of the module: its input rail, or the sum of the rails that make it up; None if neither is there."""
        return total_mw({name: rail.now_mw for name, rail in self.rails.items()})


def parse(text: str) -> tuple[Sample, ...]:
    """Return the samples in *text*, one for each line with memory and processors.

    Raises:
        InputError: there are none.
    """
    text, problems = ended(text)
    samples = [_sample(line) for line in text.splitlines() if RAM.search(line)]
    if not samples:
        raise InputError("found no line of tegrastats: expected `RAM 2272/7620MB ... CPU [...] ...`")
    return (*samples[:-1], replace(samples[-1], problems=samples[-1].problems + problems))


def _sample(line: str) -> Sample:
    date, ram, swap = DATE.match(line), RAM.search(line), SWAP.search(line)
    gpu, bus = GPU.search(line), MEMORY_BUS.search(line)
    assert ram is not None
    clocks = (gpu[2] or gpu[3] or "").split(",") if gpu else []
    found = Sample(
        at=_date(date[1]) if date else None,
        ram_mb=whole(ram[1]),
        ram_total_mb=whole(ram[2]),
        swap_mb=whole(swap[1]) if swap else None,
        cores=_cores(line),
        gpu_percent=whole(gpu[1]) if gpu else None,
        gpu_mhz=tuple(clock for text in clocks if (clock := whole(text)) is not None),
        memory_bus_percent=whole(bus[1]) if bus else None,
        temperatures_c=_temperatures(line),
        rails=_rails(line[ram.end() :]),
    )
    lacks = [name for name in ("cores", "gpu_percent", "temperatures_c") if getattr(found, name) in ((), None, {})]
    problems: tuple[str, ...] = (f"missing: {', '.join(lacks)}",) if lacks else ()
    garbled = [core for core in _core_texts(line) if core != "off" and not CORE.match(core)]
    problems += (f"{counted(len(garbled), 'core is', 'cores are')} unreadable",) if garbled else ()
    problems += ("two lines run into one",) if len(CPU.findall(line)) > 1 else ()
    return replace(found, problems=problems)


def _date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%m-%d-%Y %H:%M:%S")
    except ValueError:
        return None


def _core_texts(line: str) -> list[str]:
    found = CPU.search(line)
    return [text.strip() for text in found[1].split(",")] if found else []


def _cores(line: str) -> tuple[Core, ...]:
    return tuple(_core(text) for text in _core_texts(line))


def _core(text: str) -> Core:
    found = CORE.match(text)
    return Core(None) if found is None else Core(whole(found[1]), whole(found[2] or ""))


def _temperatures(line: str) -> dict[str, float]:
    values = {found[1]: real(found[2]) for found in TEMPERATURE.finditer(line)}
    known = {name: value for name, value in values.items() if value is not None and value > OFF_C}
    return {name: value for name, value in known.items() if (name, value) != PLACEHOLDER}


def _rails(line: str) -> dict[str, Rail]:
    rails = {}
    for found in RAIL.finditer(line):
        now, mean = real(found[2]), real(found[4])
        if found[1] not in NOT_RAILS and found[1] != "NC" and now is not None and mean is not None:
            rails[found[1]] = Rail(now, mean)
    return rails


PLUGIN = Format(
    title="NVIDIA's tegrastats",
    recognize=lambda text: bool(re.search(r"\bRAM \d+/\d+MB .*\bCPU \[", text)),
    parse=parse,
)
