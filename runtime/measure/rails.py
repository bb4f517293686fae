"""What a Jetson's module draws in all, from the rails that its INA3221 sensors measure."""

from __future__ import annotations

from typing import Mapping, Optional

INPUT = ("VDD_IN", "POM_5V_IN")
"""Rails that measure all that the module draws."""

PARTS = (
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),  # AGX Orin: VDDQ_VDD2_1V8AO is fed by VIN_SYS_5V0
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),  # Xavier
)
"""Rails that measure it together, where no rail does alone."""


def total_mw(rails: Mapping[str, float]) -> Optional[float]:
    """Return what the module draws: its input rail, or the rails that make it up; None where neither is known."""
    for name in INPUT:
        if name in rails:
            return rails[name]
    for names in PARTS:
        if all(name in rails for name in names):
            return sum(rails[name] for name in names)
    return None
