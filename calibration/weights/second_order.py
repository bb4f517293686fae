"""Round weights one after another, each compensating for the output error of those rounded before it.

Frantar et al., GPTQ, ICLR 2023 (after Hassibi and Stork, Optimal Brain Surgeon, 1993), for convolutions: the taps are
the columns, and the Hessian is the covariance of the inputs, not their second moment, because bias correction handles
the shift of the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import MAX_CODE, Kernel, LayerParameters, WeightLayer, along, layers
from detlite.runtime.arrays import Doubles
from detlite.runtime.stream import WORKERS

TINY = 1e-12  # the smallest variance, for constant channels
BLOCK = 32  # taps whose errors are propagated together: one matrix product instead of 32 vector products
DAMPING = 0.01  # times the mean variance, as in the paper: keeps the inverse stable


def round_by_covariance(
    network: Network, parameters: LayerParameters, covariances: Mapping[str, Doubles]
) -> LayerParameters:
    """Return *parameters* with the weights of the layers in *covariances* rounded by GPTQ, at the same scales."""

    def rounded(layer: WeightLayer) -> Kernel:
        name = layer.operator.name
        return _rounded(layer, parameters.kernels[name], covariances[name])

    known = [layer for layer in layers(network) if layer.operator.name in covariances]
    with ThreadPoolExecutor(WORKERS) as pool:
        kernels = dict(zip((layer.operator.name for layer in known), pool.map(rounded, known), strict=True))
    return LayerParameters({**parameters.kernels, **kernels}, parameters.biases)


def _rounded(layer: WeightLayer, kernel: Kernel, covariance: Doubles) -> Kernel:
    steps = layer.weights / along(kernel.scales.astype(np.float64), layer.axis, layer.weights.ndim)
    if layer.operator.kind == "DEPTHWISE_CONV_2D":
        channels = steps.shape[3]
        rows = steps[0].reshape(-1, channels).T[:, None, :]  # (channels, 1, taps)
        repeated = np.repeat(covariance, channels // len(covariance), axis=0)
        values = _columns(rows, repeated, kernel.limit)[:, 0].T.reshape(steps.shape)
    else:
        values = _columns(steps.reshape(1, len(steps), -1), covariance[None], kernel.limit)[0].reshape(steps.shape)
    codes = values.astype(np.int8) if kernel.limit == MAX_CODE else values.astype(np.int16)
    return Kernel(codes, kernel.scales, kernel.axis)


def _columns(rows: NDArray[np.float64], covariance: Doubles, limit: int) -> NDArray[np.float64]:
    """Return *rows* (groups, rows, taps) rounded to at most *limit*; *covariance* of the taps: (groups, taps, taps)."""
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    # the most variable taps come first and are rounded freely
    order = np.argsort(-variances.mean(axis=0), kind="stable")
    upper = _inverse_root(covariance[:, order][:, :, order], variances.mean(axis=1))
    left = np.ascontiguousarray(rows.transpose(2, 0, 1)[order])  # a tap's weights side by side: it is read tap by tap
    for begin in range(0, len(left), BLOCK):
        part = slice(begin, begin + BLOCK)
        errors = _block(left[part], upper[:, part, part], limit)
        later = upper[:, part, begin + BLOCK :].transpose(0, 2, 1) @ errors.transpose(1, 0, 2)
        left[begin + BLOCK :] -= later.transpose(1, 0, 2)
    values = np.empty_like(rows)
    values[:, :, order] = left.transpose(1, 2, 0)
    return values


def _block(left: NDArray[np.float64], upper: Doubles, limit: int) -> NDArray[np.float64]:
    """Round the taps *left* (taps, groups, rows) to at most *limit*, in place.

    Return the error of each in units of its diagonal element of *upper* (groups, taps, taps).
    """
    errors = np.empty_like(left)
    factors = np.ascontiguousarray(upper.transpose(1, 2, 0))[..., None]
    for tap, weights in enumerate(left):
        found = np.minimum(np.maximum(np.rint(weights), -limit), limit)
        np.divide(weights - found, factors[tap, tap], out=errors[tap])
        left[tap + 1 :] -= factors[tap, tap + 1 :] * errors[tap]
        left[tap] = found
    return errors


def _inverse_root(covariance: Doubles, variance: Doubles) -> Doubles:
    """Return the upper Cholesky factor of the inverse of the damped *covariance*: (groups, taps, taps)."""
    damping = DAMPING * variance + TINY
    damped = covariance + np.eye(covariance.shape[1]) * damping[:, None, None]
    root: Doubles = np.linalg.cholesky(np.linalg.inv(damped)).swapaxes(1, 2)
    return root
