"""Weights rounded one after the other by the covariance of their inputs, then biases corrected in closed form."""

from __future__ import annotations

from detlite.calibration.numbers.kernels import Parameters, nearest
from detlite.calibration.weights.bias import corrected
from detlite.calibration.weights.calibrate import Calibrated
from detlite.calibration.weights.method import Method
from detlite.calibration.weights.moments import moments
from detlite.calibration.weights.second_order import reordered


def parameters(calibrated: Calibrated) -> Parameters:
    """Return the weights of *calibrated*, rounded by second moments, and the biases that make up for them."""
    network = calibrated.network
    covariances = moments(network, calibrated.first).covariances
    rounded = reordered(network, nearest(network, calibrated.plan), covariances)
    return corrected(network, rounded, calibrated.observed.means)


PLUGIN = Method(
    title="weights rounded by the covariance of their inputs (GPTQ), biases corrected in closed form",
    source="Frantar et al., GPTQ: Accurate Post-Training Quantization, ICLR 2023",
    parameters=parameters,
)
