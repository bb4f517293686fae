"""Conversions between Python floats and the 32-bit floats of protos, flatbuffers and graphs."""

from __future__ import annotations

import numpy as np


def as_float32(value: float) -> float:
    """Return *value* rounded to float32: 0.6000000238418579 for 0.6."""
    return float(np.float32(value))


def shortest(value: float) -> float:
    """Return the shortest decimal with the same float32 value: 0.6 for 0.6000000238418579."""
    return float(str(np.float32(value)))
