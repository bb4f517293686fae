"""int8 weights with one symmetric scale per output channel, and their biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES, WeightInputs
from detlite.calibration.numbers.scales import ScalePlan
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.errors import InputError

MAX_CODE = 127  # -128 is not used: the specification requires symmetric weights
MOST_HALVES = 2 * MAX_CODE  # half steps: the sum of two codes, see `detlite.calibration.weights.twins`
SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class WeightLayer:
    """A convolution, or another operator with constant weights.

    Attributes:
        operator: the operator.
        places: the positions of its weights and its bias among its inputs.
        source: the index of the tensor that it reads.
        weights: float32, as stored: (out, height, width, in), or (1, height, width, channels) if depthwise.
        bias: float64 (output channels,), zeros if the operator has no bias.
    """

    operator: Operator
    places: WeightInputs
    source: int
    weights: Floats
    bias: Doubles

    @property
    def source_place(self) -> int:
        """The position of the source tensor among the operator's inputs."""
        return source_place(self.operator)

    @property
    def axis(self) -> int:
        """The axis of `weights` of the output channels."""
        return self.places.axis


@dataclass(frozen=True, eq=False)
class Kernel:
    """Integer weights.

    Attributes:
        values: int8, -127 to 127, or int16, -254 to 254, for half steps; in the shape of the float weights.
        scales: float32, one for each index of *axis*.
        axis: the axis of the output channels.
    """

    values: NDArray[np.int8] | NDArray[np.int16]
    scales: Floats
    axis: int

    @property
    def limit(self) -> int:
        """The largest code."""
        return MAX_CODE if self.values.dtype == np.int8 else MOST_HALVES

    def real(self) -> Doubles:
        """Return the dequantized weights, float64."""
        real: Doubles = self.values * along(self.scales.astype(np.float64), self.axis, self.values.ndim)
        return real

    def key(self) -> bytes:
        """Return bytes that are equal for identical kernels only."""
        return self.values.tobytes() + self.scales.tobytes() + str(self.values.shape).encode()


@dataclass(frozen=True)
class LayerParameters:
    """The parameters of the quantized layers, by operator name.

    Attributes:
        kernels: the int8 weights.
        biases: float64, not yet quantized.
        float_biases: of layers that stay float and read an input whose means were moved to whole pixels, float64.
    """

    kernels: Mapping[str, Kernel]
    biases: Mapping[str, Doubles]
    float_biases: Mapping[str, Doubles] = field(default_factory=dict)


def layers(network: Network) -> Iterator[WeightLayer]:
    """Yield the layers of *network* that have weights, in order.

    Raises:
        InputError: weights are computed instead of constant, or are not finite.
    """
    for operator in network.operators:
        rule = INT8_RULES.get(operator.kind)
        if rule is not None and rule.weights is not None:
            yield layer_of(network, operator, rule.weights)


def layer_of(network: Network, operator: Operator, places: WeightInputs) -> WeightLayer:
    """Return *operator* with its weights, whose positions are *places*; errors as in `layers`."""
    index = operator.inputs[places.weights]
    if not network.is_constant(index):
        raise InputError(
            f"the weights of {operator.kind} {operator.name} are computed, not constant: leave it in float with "
            f"--float {operator.name}"
        )
    weights = network.constant(index).astype(np.float32)
    channels = weights.shape[places.axis]
    given = operator.inputs[places.bias] if len(operator.inputs) > places.bias else -1
    bias = np.zeros(channels) if given < 0 else network.constant(given).astype(np.float64)
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise InputError(f"the weights of {operator.name} hold values that are not finite")
    return WeightLayer(operator, places, operator.inputs[source_place(operator)], weights, bias)


def source_place(operator: Operator) -> int:
    """Return the position of the source tensor among the inputs of the layer *operator*."""
    return 2 if operator.kind == "TRANSPOSE_CONV" else 0


def kernel_scales(layer: WeightLayer, input_scale: float, *, bias_limit: float) -> Floats:
    """Return a scale per output channel that maps its largest weight to 127 and its bias to at most *bias_limit*."""
    largest = np.abs(layer.weights).max(axis=_others(layer)).astype(np.float64)
    smallest = np.abs(layer.bias) / (input_scale * bias_limit)
    scales: Floats = np.maximum(np.maximum(largest / MAX_CODE, smallest), SMALLEST_SCALE).astype(np.float32)
    return scales


def rounded(weights: NDArray[Any], scales: Floats, axis: int, *, halves: bool = False) -> Kernel:
    """Return *weights* rounded to the nearest step of *scales*, or to the nearest half step."""
    if halves:
        scales = (scales / 2).astype(np.float32)
    steps = weights / along(scales.astype(np.float64), axis, weights.ndim)
    most = MOST_HALVES if halves else MAX_CODE
    return Kernel(np.clip(np.rint(steps), -most, most).astype(np.int16 if halves else np.int8), scales, axis)


def nearest(network: Network, plan: ScalePlan) -> LayerParameters:
    """Return the parameters of *network* with each weight rounded to the nearest step, and uncorrected biases.

    Weights of the layers in *plan*'s `halved` are rounded to half steps.
    """
    kernels, biases = {}, {}
    for layer in layers(network):
        name = layer.operator.name
        halves = name in plan.halved
        limit = plan.numbers.bias_limit / (2 if halves else 1)  # a bias has twice as many half steps
        scales = kernel_scales(layer, plan.scales[layer.source].scale, bias_limit=limit)
        kernels[name] = rounded(layer.weights, scales, layer.axis, halves=halves)
        biases[name] = layer.bias
    return LayerParameters(kernels, biases)


def along(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    """Return the one-dimensional *values* reshaped to broadcast along *axis* of an array of rank *rank*."""
    return values.reshape([-1 if place == axis else 1 for place in range(rank)])


def _others(layer: WeightLayer) -> tuple[int, ...]:
    return tuple(place for place in range(layer.weights.ndim) if place != layer.axis)
