"""Narrower ranges for tensors that only saturating operators read: saturated values do not need separate codes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.calibration.ranges.ranges import Range

LIMITS: Mapping[str, tuple[float, float]] = {
    "LOGISTIC": (-math.log(1023), math.log(1023)),
    "TANH": (-math.atanh(1 - 1 / 512), math.atanh(1 - 1 / 512)),
    "HARD_SWISH": (-3.0, math.inf),
}
"""Beyond a limit the output is within a quarter step of its end; the specification's steps are 1/256 and 1/128. Half a
step would do but for the rounding of the zero point. Below -3 a hard swish is exactly 0."""

RELU6 = 3  # ActivationFunctionType of the TFLite schema


def clip_saturated(network: Network, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Return *ranges*, clipped for tensors that only a LOGISTIC, a TANH or a hard swish reads to where these saturate.

    An SSD's logits range from -37 to 17, and below -6.9 every score is 0: clipping makes the steps four times as fine.
    A tensor without a range stays so: `plan_scales` says which ranges are lacking.
    """
    found = dict(ranges)
    for index, readers, (lowest, highest) in _saturating(network):
        for tensor in _leading_to(network, index, readers):
            cut = found.get(network.names[tensor])
            if cut is not None:
                low, high = (min(max(end, lowest), highest) for end in (cut.low, cut.high))
                found[network.names[tensor]] = Range(low, high)
    return found


Saturating = tuple[int, list[Operator], tuple[float, float]]
"""A tensor, the operators that saturate beyond limits of it, and these limits."""


def _saturating(network: Network) -> Iterator[Saturating]:
    readers = network.readers()
    for operator in network.operators:
        if operator.kind in LIMITS:
            yield operator.inputs[0], [operator], LIMITS[operator.kind]
        elif (gate := hard_swish_of(network, readers, operator)) is not None:
            yield gate.source, [operator, gate.product], (gate.lowest, math.inf)


@dataclass(frozen=True)
class HardSwish:
    """A hard swish x * relu6(w * x + c), where w is 1, or in a layer a number for each channel.

    Attributes:
        source: the tensor x.
        product: the product.
        lowest: below it, the product is 0 in every channel.
    """

    source: int
    product: Operator
    lowest: float


def hard_swish_of(network: Network, readers: Mapping[int, list[Operator]], operator: Operator) -> HardSwish | None:
    """Return the hard swish whose relu6 *operator* computes, or None; *readers* are those of *network*."""
    if getattr(operator.options, "fusedActivationFunction", 0) != RELU6:
        return None
    products = readers.get(operator.outputs[0], [])
    if operator.kind == "ADD":
        source, *constants = sorted(operator.inputs, key=network.is_constant)
        factors = np.ones(1)
    elif operator.kind == "DEPTHWISE_CONV_2D" and len(operator.inputs) > 2:
        source, weights, *constants = operator.inputs
        if not network.is_constant(weights) or network.shape(weights)[:3] != (1, 1, 1):
            return None
        factors = network.constant(weights).reshape(-1)
    else:
        return None
    if (
        constants[0] < 0
        or not network.is_constant(constants[0])
        or network.is_constant(source)
        or not (factors > 0).all()
    ):
        return None
    if len(products) != 1 or products[0].kind != "MUL" or set(products[0].inputs) != {source, operator.outputs[0]}:
        return None
    shift = network.constant(constants[0]).astype(np.float64)
    return HardSwish(source, products[0], -float((shift / factors).max()))


def _leading_to(network: Network, start: int, last: list[Operator]) -> Iterator[int]:
    """Yield the tensors whose values reach only the operators *last*, through *start*, and reach it unchanged."""
    readers = network.readers()
    makers = {index: maker for maker in network.operators for index in maker.outputs}
    waiting = [(start, last)]
    while waiting:
        index, only = waiting.pop()
        if any(reader not in only for reader in readers[index]) or index in (*network.outputs, *network.inputs):
            continue
        yield index
        maker = makers[index]
        if INT8_RULES.get(maker.kind) is not None and INT8_RULES[maker.kind].same_scale:
            waiting += [(i, [maker]) for i in maker.inputs if network.is_real(i) and not network.is_constant(i)]
