"""Bias correction in closed form: the mean shift of the output from rounding the weights is subtracted from the bias.

The mean output of a layer with rounded weights is off by the sum over taps of (rounded - weight) * E[input], which
needs only the mean of each input channel (Nagel et al., Data-Free Quantization, ICCV 2019, section 4.2; here the means
are observed, not derived from batch norms). It helps most in depthwise convolutions whose taps cancel out: their
rounding errors do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import LayerParameters, WeightLayer, layers
from detlite.calibration.weights.padding import tap_shares
from detlite.runtime.arrays import Doubles


def correct_biases(network: Network, parameters: LayerParameters, means: Mapping[int, Doubles]) -> LayerParameters:
    """Return *parameters* with biases that compensate for the rounding of the weights.

    Args:
        network: the float model.
        parameters: its rounded weights.
        means: float64 (channels,), the mean of each channel of the activations, by tensor index.
    """
    biases = dict(parameters.biases)
    for layer in layers(network):
        name = layer.operator.name
        error = parameters.kernels[name].real() - layer.weights
        biases[name] = biases[name] - output_shift(network, layer, error, means[layer.source])
    return replace(parameters, biases=biases)


def output_shift(network: Network, layer: WeightLayer, weights: NDArray[np.float64], mean: Doubles) -> Doubles:
    """Return the mean output of each channel of *layer* with *weights* in place of its own and no bias, float64.

    Args:
        network: the float model.
        layer: a layer of it.
        weights: float64, in the shape of the layer's weights.
        mean: float64 (channels,), the mean of each channel of its input.
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
