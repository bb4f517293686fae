"""A short description of this machine, for reports and accuracy records."""

from __future__ import annotations

import os
import platform
from typing import Tuple

from detlite.runtime.measure.machine import processor_name
from detlite.runtime.measure.state import read_state


def host_facts() -> Tuple[Tuple[str, str], ...]:
    """Return (name, value) pairs: processor, cores, system, Python, and the governor if there is one."""
    facts = [
        ("processor", processor_name()),
        ("cores", str(os.cpu_count())),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
    ]
    return (*facts, *(("governor", governor) for governor in read_state().get("governors", [])[:1]))
