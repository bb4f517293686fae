"""Biases corrected in closed form, then by the shift measured in the int8 model, layer by layer."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import LayerParameters
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.empirical_bias import correct_measured_shift
from detlite.calibration.weights.method import Method
from detlite.calibration.weights.methods import bias_correction


def parameters(calibrated: Calibrated) -> LayerParameters:
    """Return the rounded weights of *calibrated*, and biases that compensate for the measured shift."""
    return correct_measured_shift(calibrated, bias_correction.parameters(calibrated))


PLUGIN = Method(
    title="per-channel int8 weights, biases corrected in closed form and then as measured layer by layer",
    source="Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019",
    parameters=parameters,
)
