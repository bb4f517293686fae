"""The total power of a Jetson's module, from the rails that its INA3221 sensors measure."""

from __future__ import annotations

from typing import Mapping, Optional

INPUT = ("VDD_IN", "POM_5V_IN")
"""Rails that measure the module's total power."""

PARTS = (
    ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),  # AGX Orin: VIN_SYS_5V0 feeds VDDQ_VDD2_1V8AO
    ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),  # Xavier
)
"""Rails that add up to the total on modules without such a rail."""


def total_mw(rails: Mapping[str, float]) -> Optional[float]:
    """Return the module's power: its input rail, or the sum of its rails; None if neither is known."""
    for name in INPUT:
        if name in rails:
            return rails[name]
    for names in PARTS:
        if all(name in rails for name in names):
            return sum(rails[name] for name in names)
    return None
