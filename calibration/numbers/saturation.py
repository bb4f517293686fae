"""Narrower ranges for tensors that only saturating operators read: saturated values do not need separate codes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

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
        elif operator.kind == "ADD" and getattr(operator.options, "fusedActivationFunction", 0) == RELU6:
            yield from _hard_swish(network, readers, operator)


def _hard_swish(network: Network, readers: Mapping[int, list[Operator]], gate: Operator) -> Iterator[Saturating]:
    """Yield the tensor x of x * relu6(x + c), which is 0 below -c; *gate* is the sum."""
    real, constant = sorted(gate.inputs, key=network.is_constant)
    if network.is_constant(real) or not network.is_constant(constant):
        return
    shift = network.constant(constant)
    products = readers.get(gate.outputs[0], [])
    if len(products) == 1 and products[0].kind == "MUL" and set(products[0].inputs) == {real, gate.outputs[0]}:
        yield real, [gate, products[0]], (-float(shift.max()), math.inf)


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
