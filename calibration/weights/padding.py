"""How often each tap of a convolution's window lies on the image, and how often on its padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import Layer

SAME = 0  # Padding of the TFLite schema


def tap_shares(network: Network, layer: Layer) -> NDArray[np.float64]:
    """Return for each tap (height, width) of *layer*'s window the share of its positions that lie on the input.

    On a map of 1 x 1 a window of 3 x 3 sees one value, and not nine: without this, bias correction of an SSD's
    smallest feature maps is wrong by that factor.
    """
    options, shape = layer.operator.options, network.shape(layer.source)
    window = layer.weights.shape[1:3]
    if layer.operator.kind == "TRANSPOSE_CONV":
        # each input value reaches each tap once, and the output has stride * stride as many values
        return np.full(window, 1.0 / (options.strideH * options.strideW))
    out = network.shape(layer.operator.outputs[0])
    rows, columns = (
        _shares(shape[1 + axis], out[1 + axis], window[axis], before, *_steps(layer, axis))
        for axis, (before, _after) in enumerate(paddings(network, layer))
    )
    return np.outer(rows, columns)


def paddings(network: Network, layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many rows (before, behind) and how many columns of zeros a convolution adds to its input."""
    read, made = network.shape(layer.source), network.shape(layer.operator.outputs[0])
    (top, bottom), (left, right) = (_padding(layer, read[1 + axis], made[1 + axis], axis) for axis in (0, 1))
    return (top, bottom), (left, right)


def _padding(layer: Layer, size: int, out: int, axis: int) -> tuple[int, int]:
    if layer.operator.options.padding != SAME:
        return 0, 0
    stride, dilation = _steps(layer, axis)
    whole = max((out - 1) * stride + (layer.weights.shape[1 + axis] - 1) * dilation + 1 - size, 0)
    return whole // 2, whole - whole // 2


def _steps(layer: Layer, axis: int) -> tuple[int, int]:
    options = layer.operator.options
    found = ((options.strideH, options.dilationHFactor), (options.strideW, options.dilationWFactor))[axis]
    return found[0] or 1, found[1] or 1


def _shares(size: int, out: int, window: int, before: int, stride: int, dilation: int) -> NDArray[np.float64]:
    at = np.arange(out)[None, :] * stride - before + np.arange(window)[:, None] * dilation
    shares: NDArray[np.float64] = ((at >= 0) & (at < size)).mean(axis=1)
    return shares
