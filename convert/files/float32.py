"""Numbers as the 32-bit fields of protos, flatbuffers and graphs hold them."""

from __future__ import annotations

import numpy as np


def as_float32(value: float) -> float:
    """Return what a 32-bit field holds of *value*: 0.6000000238418579 of 0.6."""
    return float(np.float32(value))


def shortest(value: float) -> float:
    """Return the shortest decimal that is the same float32 as *value*: 0.6, not 0.6000000238418579."""
    return float(str(np.float32(value)))
