"""This machine: what it is, and what of its state makes a measurement worth less."""

from __future__ import annotations

import os
import platform
from pathlib import Path

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
BUSY_LOAD = 0.7  # of the cores: above, other programs take turns with the measured one


def machine_facts() -> tuple[tuple[str, str], ...]:
    """Return (name, value) pairs: processor, cores, system, Python, governor where there is one."""
    facts = [
        ("processor", processor_name()),
        ("cores", str(os.cpu_count())),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
    ]
    if GOVERNOR.is_file():
        facts.append(("governor", GOVERNOR.read_text().strip()))
    return tuple(facts)


def processor_name() -> str:
    """Return the processor's name as the system states it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _colon, value = line.partition(":")
            if key.strip() in ("model name", "Model"):
                return value.strip()
    return platform.processor() or platform.machine()


def cautions() -> tuple[str, ...]:
    """Return what speaks against trusting a measurement that begins now, one sentence each."""
    found = []
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > BUSY_LOAD * cores:
        found.append(f"the machine is busy: load {load:.2f} on {cores} cores")
    if GOVERNOR.is_file() and (governor := GOVERNOR.read_text().strip()) not in ("performance", "schedutil"):
        found.append(f"the processor's governor is {governor}: its clock may vary")
    return tuple(found)
