"""Weights as int8 with one symmetric scale for each output channel, and the biases that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES, Weights
from detlite.calibration.numbers.scales import Plan
from detlite.runtime.arrays import Doubles, Floats
from detlite.runtime.errors import InputError

MOST = 127  # -128 is left out: the specification wants weights symmetric
SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution or its like, with constant weights.

    Attributes:
        operator: the operator.
        places: where its weights and its bias are among its inputs.
        source: the tensor that it reads.
        weights: float32, as stored: (out, height, width, in), for depthwise ones (1, height, width, channels).
        bias: float64, one for each output channel, zeros where the operator has none.
    """

    operator: Operator
    places: Weights
    source: int
    weights: Floats
    bias: Doubles

    @property
    def source_place(self) -> int:
        """Where the operator has what it reads among its inputs."""
        return source_place(self.operator)

    @property
    def axis(self) -> int:
        """The axis of `weights` that is the output channel."""
        return self.places.axis


@dataclass(frozen=True, eq=False)
class Kernel:
    """int8 weights.

    Attributes:
        values: int8, -127 to 127, in the shape of the float weights.
        scales: float32, one for each index of *axis*.
        axis: the output channel's.
    """

    values: NDArray[np.int8]
    scales: Floats
    axis: int

    def real(self) -> Doubles:
        """Return what the weights stand for: float64."""
        real: Doubles = self.values * along(self.scales.astype(np.float64), self.axis, self.values.ndim)
        return real

    def key(self) -> bytes:
        """Return what two kernels share that are the very same."""
        return self.values.tobytes() + self.scales.tobytes() + str(self.values.shape).encode()


@dataclass(frozen=True)
class Parameters:
    """What becomes of the layers' parameters, by the operator's name.

    Attributes:
        kernels: the int8 weights.
        biases: real biases, float64.
    """

    kernels: Mapping[str, Kernel]
    biases: Mapping[str, Doubles]


def layers(network: Network) -> Iterator[Layer]:
    """Yield the layers of *network* that have weights, in their order.

    Raises:
        InputError: weights are computed and not constant, or are no finite numbers.
    """
    for operator in network.operators:
        rule = INT8_RULES.get(operator.kind)
        if rule is not None and rule.weights is not None:
            yield layer_of(network, operator, rule.weights)


def layer_of(network: Network, operator: Operator, places: Weights) -> Layer:
    """Return *operator* with its weights, which are where *places* says; errors as `layers`."""
    index = operator.inputs[places.weights]
    if not network.is_constant(index):
        raise InputError(
            f"the weights of {operator.kind} {operator.name} are computed, not constant: leave it float with "
            f"--float {operator.name}"
        )
    weights = network.constant(index).astype(np.float32)
    channels = weights.shape[places.axis]
    given = operator.inputs[places.bias] if len(operator.inputs) > places.bias else -1
    bias = np.zeros(channels) if given < 0 else network.constant(given).astype(np.float64)
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise InputError(f"the weights of {operator.name} hold values that are not finite numbers")
    return Layer(operator, places, operator.inputs[source_place(operator)], weights, bias)


def source_place(operator: Operator) -> int:
    """Return where the layer *operator* has what it reads among its inputs."""
    return 2 if operator.kind == "TRANSPOSE_CONV" else 0


def kernel_scales(layer: Layer, input_scale: float, *, bias_limit: float) -> Floats:
    """Return a scale for each output channel: its largest weight becomes 127, and its bias is within *bias_limit*."""
    largest = np.abs(layer.weights).max(axis=_others(layer)).astype(np.float64)
    smallest = np.abs(layer.bias) / (input_scale * bias_limit)
    scales: Floats = np.maximum(np.maximum(largest / MOST, smallest), SMALLEST_SCALE).astype(np.float32)
    return scales


def rounded(weights: NDArray[Any], scales: Floats, axis: int) -> Kernel:
    """Return *weights* rounded to the nearest steps of *scales*."""
    steps = weights / along(scales.astype(np.float64), axis, weights.ndim)
    return Kernel(np.clip(np.rint(steps), -MOST, MOST).astype(np.int8), scales, axis)


def nearest(network: Network, plan: Plan) -> Parameters:
    """Return the parameters of *network* with each weight rounded to the nearest step: what there is to repair."""
    kernels, biases = {}, {}
    for layer in layers(network):
        scales = kernel_scales(layer, plan.scales[layer.source].scale, bias_limit=plan.numbers.bias_limit)
        kernels[layer.operator.name] = rounded(layer.weights, scales, layer.axis)
        biases[layer.operator.name] = layer.bias
    return Parameters(kernels, biases)


def along(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    """Return the one-dimensional *values* shaped to stand along *axis* of an array of *rank*."""
    return values.reshape([-1 if place == axis else 1 for place in range(rank)])


def _others(layer: Layer) -> tuple[int, ...]:
    return tuple(place for place in range(layer.weights.ndim) if place != layer.axis)
