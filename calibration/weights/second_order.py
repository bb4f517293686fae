"""Round weights one after another, each compensating for the output error of those rounded before it.

Frantar et al., GPTQ, ICLR 2023 (after Hassibi and Stork, Optimal Brain Surgeon, 1993), for convolutions: the taps are
the columns, and the Hessian is the covariance of the inputs, not their second moment, because bias correction handles
the shift of the mean. It is Babai's nearest plane (Chen et al., The Geometry of LLM Quantization, 2025), which needs
a Cholesky factor of the covariance, but not the inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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
    root = _root(covariance[:, order][:, :, order], variances.mean(axis=1))
    given = np.ascontiguousarray(rows.transpose(2, 0, 1)[order])  # a tap's weights side by side: it is read tap by tap
    found, pulls = np.empty_like(given), np.zeros_like(given)
    for begin in range(0, len(given), BLOCK):
        part, later = slice(begin, begin + BLOCK), slice(begin + BLOCK, None)
        found[part] = _block(given[part], pulls[part], root[:, part, part], limit)
        errors = (given[part] - found[part]).transpose(1, 0, 2)
        pulls[later] += (root[:, part, later].transpose(0, 2, 1) @ errors).transpose(1, 0, 2)
    values = np.empty_like(rows)
    values[:, :, order] = found.transpose(1, 2, 0)
    return values


def _block(given: NDArray[np.float64], pulls: NDArray[np.float64], root: Doubles, limit: int) -> NDArray[np.float64]:
    """Return the taps *given* (taps, groups, rows) rounded to at most *limit*.

    *pulls*, of the same shape, is what the errors of earlier taps add, in units of the diagonal of *root* (groups,
    taps, taps); it is changed in place.
    """
    found = np.empty_like(given)
    factors = np.ascontiguousarray(root.transpose(1, 2, 0))[..., None]
    for tap, weights in enumerate(given):
        wanted = weights + pulls[tap] / factors[tap, tap]
        np.minimum(np.maximum(np.rint(wanted), -limit), limit, out=found[tap])
        pulls[tap + 1 :] += factors[tap, tap + 1 :] * (weights - found[tap])
    return found


def _root(covariance: Doubles, variance: Doubles) -> Doubles:
    """Return the upper triangular U with U @ U.T = the damped *covariance*, both (groups, taps, taps)."""
    damping = DAMPING * variance + TINY
    damped = covariance + np.eye(covariance.shape[1]) * damping[:, None, None]
    backwards: Any = np.linalg.cholesky(damped[:, ::-1, ::-1])
    root: Doubles = backwards[:, ::-1, ::-1]
    return root
