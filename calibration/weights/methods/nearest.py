"""Weights rounded to the nearest step without any correction: the baseline of the other methods."""

from __future__ import annotations

from detlite.calibration.numbers import kernels
from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method


def parameters(calibrated: Calibrated) -> LayerParameters:
    """Return the rounded weights of *calibrated* and its original biases."""
    return kernels.nearest(calibrated.network, calibrated.plan)


PLUGIN = Method(
    title="per-channel int8 weights, rounded to nearest, without correction",
    source="Jacob et al., Quantization and Training of Neural Networks, CVPR 2018",
    parameters=parameters,
    has_half_steps=True,
)
