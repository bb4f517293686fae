"""Weights rounded to the nearest step, biases corrected in closed form; takes a tenth of a second."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import LayerParameters, nearest
from detlite.calibration.weights.bias import correct_biases
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method


def parameters(calibrated: Calibrated) -> LayerParameters:
    """Return the rounded weights of *calibrated*, and biases that compensate for the mean error."""
    rounded = nearest(calibrated.network, calibrated.plan)
    return correct_biases(calibrated.network, rounded, calibrated.observed.means)


PLUGIN = Method(
    title="per-channel int8 weights, biases corrected in closed form",
    source="Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019",
    parameters=parameters,
    has_half_steps=True,
)
