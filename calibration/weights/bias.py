"""Bias correction in closed form: what rounding the weights shifts on average is taken off the bias.

The output of a layer with rounded weights differs on average by sum over taps of (rounded - weight) * E[input], which
needs nothing but the mean of each input channel (Nagel et al., Data-Free Quantization, ICCV 2019, section 4.2, with
means that were seen in place of those that batch norms promise). It pays most in depthwise convolutions whose weights
are differences: their taps cancel, and their rounding errors do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import Layer, Parameters, layers
from detlite.calibration.weights.padding import tap_shares
from detlite.runtime.arrays import Doubles


def corrected(network: Network, parameters: Parameters, means: Mapping[int, Doubles]) -> Parameters:
    """Return *parameters* with biases that make up for the rounding of the weights.

    Args:
        network: the float model.
        parameters: its rounded weights.
        means: the mean of each channel of the activations, by the tensor's number.
    """
    biases = dict(parameters.biases)
    for layer in layers(network):
        name = layer.operator.name
        error = parameters.kernels[name].real() - layer.weights
        biases[name] = biases[name] - output_shift(network, layer, error, means[layer.source])
    return replace(parameters, biases=biases)


def output_shift(network: Network, layer: Layer, weights: NDArray[np.float64], mean: Doubles) -> Doubles:
    """Return the mean output of *layer*, one for each channel, with *weights* in place of its own and no bias.

    Args:
        network: the float model.
        layer: a layer of it.
        weights: in the shape of its own.
        mean: the mean of each channel of its input.
    """
    if layer.operator.kind == "FULLY_CONNECTED":
        return weights @ np.tile(mean, weights.shape[1] // len(mean))
    shares = tap_shares(network, layer)
    shift: Doubles
    if layer.operator.kind == "DEPTHWISE_CONV_2D":
        taps = (weights[0] * shares[..., None]).sum(axis=(0, 1))
        shift = taps * np.repeat(mean, len(taps) // len(mean))
    else:
        taps = (weights * shares[None, :, :, None]).sum(axis=(1, 2))
        groups = len(mean) // taps.shape[1]
        shift = (taps * np.repeat(mean.reshape(groups, -1), len(taps) // groups, axis=0)).sum(axis=1)
    return shift
