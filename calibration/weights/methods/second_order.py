"""Weights rounded one after another by the covariance of their inputs, then biases corrected in closed form."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import LayerParameters, nearest
from detlite.calibration.weights.bias import correct_biases
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method
from detlite.calibration.weights.second_order import round_by_covariance


def parameters(calibrated: Calibrated) -> LayerParameters:
    """Return the weights of *calibrated* rounded by covariance, and biases that compensate for the mean error."""
    network = calibrated.network
    rounded = round_by_covariance(network, nearest(network, calibrated.plan), calibrated.covariances)
    return correct_biases(network, rounded, calibrated.observed.means)


PLUGIN = Method(
    title="weights rounded by the covariance of their inputs (GPTQ), biases corrected in closed form",
    source="Frantar et al., GPTQ: Accurate Post-Training Quantization, ICLR 2023",
    parameters=parameters,
    has_half_steps=True,
    covariances=True,
    equalizes=True,
)
