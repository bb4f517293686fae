"""Which operators of a two-stage detector are its box arithmetic: they stay float in a model of integers.

Rounded to 8 bits, boxes and the positions that regions are sampled at would be off by a part of the whole image.
Rounded scores would be equal to each other, and suppression would keep others. So what stays float is all between the
heads and the suppression, from there to the layers that look at the regions, and all after the last layers; with the
heads themselves, whose 1 x 1 convolutions are a small part of the work.
"""

from __future__ import annotations

from collections.abc import Iterable

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES

SUPPRESSION = ("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5")
POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")


def region_operators(network: Network) -> frozenset[str]:
    """Return the names of the operators of *network* that are box arithmetic; none if it suppresses no boxes."""
    suppressions = [operator for operator in network.operators if operator.kind in SUPPRESSION]
    if not suppressions:
        return frozenset()
    after = _after(network, suppressions)
    suppressed = [index for operator in suppressions for index in operator.inputs]
    # a second suppression is of boxes in regions of the first: what it needs beside them is box arithmetic, too
    return frozenset(after | _before(network, suppressed, set()) | _before(network, network.outputs, after))


def _after(network: Network, suppressions: Iterable[Operator]) -> set[str]:
    """Return the operators from *suppressions* on, up to the layers and pools that look at the regions."""
    readers = network.readers()
    found: set[str] = set()
    waiting = list(suppressions)
    while waiting:
        operator = waiting.pop()
        if operator.name in found or operator.kind in POOLS or _weights_of(operator) is not None:
            continue
        found.add(operator.name)
        waiting += [reader for index in operator.outputs for reader in readers.get(index, ())]
    return found


def _before(network: Network, ends: Iterable[int], known: set[str]) -> set[str]:
    """Return the operators that compute the tensors *ends*, back to the heads, and these; *known* ones are passed."""
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    found: set[str] = set()
    waiting = list(ends)
    while waiting:
        operator = makers.get(waiting.pop())
        if operator is None or operator.name in found or operator.name in known or operator.kind in POOLS:
            continue
        if _weights_of(operator) is None:
            found.add(operator.name)
            waiting += operator.inputs
        elif _is_pointwise(network, operator):
            found.add(operator.name)
    return found


def _weights_of(operator: Operator) -> int | None:
    """Return the index of the tensor with the weights of *operator*; None if it is no layer with weights."""
    rule = INT8_RULES.get(operator.kind)
    return None if rule is None or rule.weights is None else operator.inputs[rule.weights.weights]


def _is_pointwise(network: Network, operator: Operator) -> bool:
    weights = _weights_of(operator)
    assert weights is not None
    shape = network.shape(weights)
    return len(shape) == 2 or shape[1:3] == (1, 1)
