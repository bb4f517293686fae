"""This machine: what it is, and what of its state makes a measurement worth less."""

from __future__ import annotations

import os
import platform

from detlite.runtime.measure.machine import processor_name
from detlite.runtime.measure.state import cautions as cautions_of
from detlite.runtime.measure.state import read_state


def machine_facts() -> tuple[tuple[str, str], ...]:
    """Return (name, value) pairs: processor, cores, system, Python, governor where there is one."""
    facts = [
        ("processor", processor_name()),
        ("cores", str(os.cpu_count())),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
    ]
    return (*facts, *(("governor", governor) for governor in read_state().get("governors", [])[:1]))


def cautions() -> tuple[str, ...]:
    """Return what speaks against trusting a measurement that begins now, one sentence each."""
    return tuple(cautions_of(read_state()))
