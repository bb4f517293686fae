"""Biases corrected in closed form, then by what the int8 model was seen to shift, layer after layer."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import Parameters
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.empirical_bias import measured
from detlite.calibration.weights.method import Method
from detlite.calibration.weights.methods import bias_correction


def parameters(calibrated: Calibrated) -> Parameters:
    """Return the weights of *calibrated*, and the biases that make up for what was measured."""
    return measured(calibrated, bias_correction.parameters(calibrated))


PLUGIN = Method(
    title="per-channel int8 weights, biases corrected in closed form and then as measured layer by layer",
    source="Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019",
    parameters=parameters,
)
