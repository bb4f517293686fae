"""The fraction of positions at which each tap of a convolution's window reads the input rather than the padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import WeightLayer

SAME = 0  # Padding of the TFLite schema


def tap_shares(network: Network, layer: WeightLayer) -> NDArray[np.float64]:
    """Return, for each tap of *layer*'s window, the fraction of positions that read the input: (height, width).

    On a 1 x 1 map a 3 x 3 window reads one value, not nine: without this, bias correction on an SSD's smallest
    feature maps is wrong by that factor.
    """
    options, shape = layer.operator.options, network.shape(layer.source)
    window = layer.weights.shape[1:3]
    if layer.operator.kind == "TRANSPOSE_CONV":
        # each input value reaches each tap once, and the output has stride * stride times as many values
        return np.full(window, 1.0 / (options.strideH * options.strideW))
    out = network.shape(layer.operator.outputs[0])
    rows, columns = (
        _shares(shape[1 + axis], out[1 + axis], window[axis], before, *_steps(layer, axis))
        for axis, (before, _after) in enumerate(paddings(network, layer))
    )
    return np.outer(rows, columns)


def paddings(network: Network, layer: WeightLayer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the zeros that a convolution pads its input with: ((top, bottom), (left, right))."""
    read, made = network.shape(layer.source), network.shape(layer.operator.outputs[0])
    (top, bottom), (left, right) = (_padding(layer, read[1 + axis], made[1 + axis], axis) for axis in (0, 1))
    return (top, bottom), (left, right)


def _padding(layer: WeightLayer, size: int, out: int, axis: int) -> tuple[int, int]:
    if layer.operator.options.padding != SAME:
        return 0, 0
    stride, dilation = _steps(layer, axis)
    whole = max((out - 1) * stride + (layer.weights.shape[1 + axis] - 1) * dilation + 1 - size, 0)
    return whole // 2, whole - whole // 2


def _steps(layer: WeightLayer, axis: int) -> tuple[int, int]:
    options = layer.operator.options
    found = ((options.strideH, options.dilationHFactor), (options.strideW, options.dilationWFactor))[axis]
    return found[0] or 1, found[1] or 1


def _shares(size: int, out: int, window: int, before: int, stride: int, dilation: int) -> NDArray[np.float64]:
    at = np.arange(out)[None, :] * stride - before + np.arange(window)[:, None] * dilation
    shares: NDArray[np.float64] = ((at >= 0) & (at < size)).mean(axis=1)
    return shares
