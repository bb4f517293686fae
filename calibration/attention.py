"""Which operators attend to a bank of features: they stay float in a model of integers.

A bank is float, and its similarities to a region are divided by a small temperature before their softmax: rounded to 8
bits, another row would be the most similar one. What stays float is all that a bank leads to, up to the layers that
look at maps of more than one cell, and all that goes into a product with it, back to the layers. Nothing that becomes
an integer then depends on the bank alone, so a model is calibrated with an empty one.
"""

from __future__ import annotations

from collections.abc import Iterable

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES

PRODUCT = "BATCH_MATMUL"
MAP_RANK = 4


def bank_operators(network: Network, banks: Iterable[int]) -> frozenset[str]:
    """Return the names of the operators of *network* that attend to its inputs *banks*, by index."""
    reached, found = set(banks), set()
    waiting: list[int] = []
    for operator in network.operators:
        if reached.isdisjoint(operator.inputs) or (_is_layer(operator) and _sees_a_map(network, operator)):
            continue
        found.add(operator.name)
        reached |= set(operator.outputs)
        if operator.kind == PRODUCT:
            waiting += [index for index in operator.inputs if index not in reached]
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and not _is_layer(maker) and maker.name not in found:
            found.add(maker.name)
            waiting += maker.inputs
    return frozenset(found)


def _is_layer(operator: Operator) -> bool:
    rule = INT8_RULES.get(operator.kind)
    return rule is not None and rule.weights is not None


def _sees_a_map(network: Network, operator: Operator) -> bool:
    shape = network.shape(operator.inputs[0])
    return len(shape) == MAP_RANK and shape[1:3] != (1, 1)
