"""Weights rounded to the nearest step, biases corrected in closed form: what pays most, in a tenth of a second."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import Parameters, nearest
from detlite.calibration.weights.bias import corrected
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method


def parameters(calibrated: Calibrated) -> Parameters:
    """Return the weights of *calibrated*, and the biases that make up for them on average."""
    rounded = nearest(calibrated.network, calibrated.plan)
    return corrected(calibrated.network, rounded, calibrated.observed.means)


PLUGIN = Method(
    title="per-channel int8 weights, biases corrected in closed form",
    source="Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019",
    parameters=parameters,
)
