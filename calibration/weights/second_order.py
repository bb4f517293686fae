"""Rounding weights one after the other, each taking on what rounding those before it did to the output.

Frantar et al., GPTQ, ICLR 2023 (after Hassibi and Stork, Optimal Brain Surgeon, 1993), for convolutions: taps
are the columns, and the covariance of the inputs stands for the Hessian: not the second moment, for what shifts
the mean is left to the bias correction.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import MOST, Kernel, Layer, Parameters, along, layers
from detlite.runtime.arrays import Doubles

TINY = 1e-12  # a variance, of channels that are always the same
BLOCK = 64  # columns whose errors are handed on together: one product of matrices in place of 64 of vectors
DAMPING = 0.01  # of the mean variance, as in the paper: keeps the inverse steady


def reordered(network: Network, parameters: Parameters, covariances: Mapping[str, Doubles]) -> Parameters:
    """Return *parameters* with the weights of the layers in *covariances* rounded in this way, to the same scales."""
    kernels = dict(parameters.kernels)
    for layer in layers(network):
        covariance = covariances.get(layer.operator.name)
        if covariance is not None:
            kernels[layer.operator.name] = _rounded(layer, kernels[layer.operator.name], covariance)
    return Parameters(kernels, parameters.biases)


def _rounded(layer: Layer, kernel: Kernel, covariance: Doubles) -> Kernel:
    steps = layer.weights / along(kernel.scales.astype(np.float64), layer.axis, layer.weights.ndim)
    if layer.operator.kind == "DEPTHWISE_CONV_2D":
        channels = steps.shape[3]
        rows = steps[0].reshape(-1, channels).T[:, None, :]  # (channels, 1, taps)
        repeated = np.repeat(covariance, channels // len(covariance), axis=0)
        values = _columns(rows, repeated)[:, 0].T.reshape(steps.shape)
    else:
        values = _columns(steps.reshape(1, len(steps), -1), covariance[None])[0].reshape(steps.shape)
    return Kernel(values.astype(np.int8), kernel.scales, kernel.axis)


def _columns(rows: NDArray[np.float64], covariance: Doubles) -> NDArray[np.float64]:
    """Return *rows*, (groups, rows, taps), rounded for the *covariance* (groups, taps, taps) of their taps."""
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    order = np.argsort(-variances.mean(axis=0), kind="stable")  # what varies most comes first, free to be exact
    upper = _inverse_root(covariance[:, order][:, :, order], variances.mean(axis=1))
    left, values = rows[:, :, order].copy(), np.empty_like(rows)
    for begin in range(0, rows.shape[2], BLOCK):
        part = slice(begin, begin + BLOCK)
        values[:, :, part], errors = _block(left[:, :, part], upper[:, part, part])
        left[:, :, begin + BLOCK :] -= errors @ upper[:, part, begin + BLOCK :]
    back = np.empty_like(values)
    back[:, :, order] = values
    return back


def _block(left: NDArray[np.float64], upper: Doubles) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rounded columns of *left*, and by how much each misses, in units of its own *upper* diagonal."""
    left, values, errors = left.copy(), np.empty_like(left), np.empty_like(left)
    for column in range(left.shape[2]):
        values[:, :, column] = np.clip(np.rint(left[:, :, column]), -MOST, MOST)
        errors[:, :, column] = (left[:, :, column] - values[:, :, column]) / upper[:, column, column][:, None]
        left[:, :, column + 1 :] -= errors[:, :, column, None] * upper[:, None, column, column + 1 :]
    return values, errors


def _inverse_root(covariance: Doubles, variance: Doubles) -> Doubles:
    """Return the upper Cholesky factor of the inverse of the damped *covariance*, (groups, taps, taps)."""
    damping = DAMPING * variance + TINY
    damped = covariance + np.eye(covariance.shape[1]) * damping[:, None, None]
    root: Doubles = np.linalg.cholesky(np.linalg.inv(damped)).swapaxes(1, 2)
    return root
