"""Narrower ranges for tensors that only saturating operators read: saturated values do not need separate codes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.calibration.ranges.ranges import Range

LIMITS: Mapping[str, float] = {"LOGISTIC": math.log(1023), "TANH": math.atanh(1 - 1 / 512)}
"""Beyond +-limit the output is within a quarter step of its end; the specification's steps are 1/256 and 1/128. Half a
step would do but for the rounding of the zero point."""


def clip_saturated(network: Network, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Return *ranges*, clipped for tensors that are read only by a LOGISTIC or a TANH to where these saturate.

    An SSD's logits range from -37 to 17, and below -6.9 every score is 0: clipping makes the steps four times as fine.
    A tensor without a range stays so: `plan_scales` says which ranges are lacking.
    """
    found = dict(ranges)
    for operator in network.operators:
        limit = LIMITS.get(operator.kind)
        if limit is not None:
            for index in _leading_to(network, operator):
                cut = found.get(network.names[index])
                if cut is not None:
                    low, high = (min(max(end, -limit), limit) for end in (cut.low, cut.high))
                    found[network.names[index]] = Range(low, high)
    return found


def _leading_to(network: Network, operator: Operator) -> Iterator[int]:
    """Yield the tensors whose values reach only *operator*, and reach it unchanged."""
    readers = network.readers()
    makers = {index: maker for maker in network.operators for index in maker.outputs}
    waiting = [operator.inputs[0]]
    while waiting:
        index = waiting.pop()
        if len(readers[index]) != 1 or index in network.outputs or index == network.image:
            continue
        yield index
        maker = makers[index]
        if INT8_RULES.get(maker.kind) is not None and INT8_RULES[maker.kind].same_scale:
            waiting += [i for i in maker.inputs if network.is_real(i) and not network.is_constant(i)]
