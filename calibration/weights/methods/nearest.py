"""Weights rounded to the nearest step and nothing repaired: what the repairs are compared with."""

from __future__ import annotations

from detlite.calibration.numbers import kernels
from detlite.calibration.numbers.kernels import Parameters
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method


def parameters(calibrated: Calibrated) -> Parameters:
    """Return the weights of *calibrated*, rounded."""
    return kernels.nearest(calibrated.network, calibrated.plan)


PLUGIN = Method(
    title="per-channel int8 weights, rounded to the nearest, with no repair",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018",
    parameters=parameters,
)
