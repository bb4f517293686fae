"""From ranges to one scale and zero point for each activation, as TFLite's operators want them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from detlite.calibration.network import Network, Operator
from detlite.calibration.operators import RULES
from detlite.calibration.ranges import Range
from detlite.runtime.contract import Quantization
from detlite.runtime.errors import InputError

LOWEST, HIGHEST = -128, 127  # of int8
NARROWEST = 1e-6  # a tensor that is always 0 has to have some scale


def quantization_of_range(found: Range) -> Quantization:
    """Return the scale and zero point that spread -128 to 127 over *found*, widened to hold 0.

    0 gets a code of its own, for padding is made of it (Jacob et al., CVPR 2018, section 3).
    """
    low, high = min(found.low, 0.0), max(found.high, 0.0)
    scale = float(np.float32(max(high - low, NARROWEST) / (HIGHEST - LOWEST)))
    zero = round(LOWEST - low / scale)
    return Quantization(scale, min(max(zero, LOWEST), HIGHEST))


@dataclass(frozen=True)
class Plan:
    """How each tensor of a network is to be stored.

    Attributes:
        scales: scale and zero point of the float tensors that become int8, by number; image and outputs included.
        floating: the operators, by name, that stay float.
    """

    scales: Mapping[int, Quantization]
    floating: Container[str]


def plan_scales(
    network: Network, ranges: Mapping[str, Range], image: Quantization, *, floating: Container[str] = ()
) -> Plan:
    """Return the scales of *network*'s activations.

    Tensors that an operator wants in one scale share the range that holds all of theirs. Where one of them has a
    fixed scale, all have it; where two have different fixed ones, they stay apart, and the writer requantizes.

    Args:
        network: the float model.
        ranges: of every activation, and of constants that are operands, by name.
        image: of the input: exactly that of the preprocessing.
        floating: the names of operators that stay float.

    Raises:
        InputError: *ranges* lacks a tensor, or an operator has no int8 form.
    """
    groups = _Groups(network, image)
    for operator in network.operators:
        if operator.name in floating:
            continue
        rule = RULES.get(operator.kind)
        if rule is None:
            raise InputError(no_int8_form(operator))
        if rule.fixed is not None:
            groups.fix(operator.outputs[0], rule.fixed)
        if rule.same_scale:
            groups.tie(_reals(network, operator))
    return Plan(groups.scales(ranges), floating)


def no_int8_form(operator: Operator) -> str:
    """Return what to say of an operator that cannot be int8."""
    return (
        f"the operator {operator.kind} that makes {operator.name} has no int8 form: leave it float with "
        f"--float {operator.kind}, or take it out of the graph"
    )


def _reals(network: Network, operator: Operator) -> list[int]:
    return [index for index in (*operator.inputs, *operator.outputs) if network.is_real(index)]


class _Groups:
    """Tensors that share one scale: a union-find whose roots may have a fixed one."""

    def __init__(self, network: Network, image: Quantization) -> None:
        self._network = network
        self._parent: dict[int, int] = {}
        self._fixed: dict[int, Quantization] = {}
        self.fix(network.image, image)

    def fix(self, index: int, quantization: Quantization) -> None:
        self._fixed[self._root(index)] = quantization

    def tie(self, indices: list[int]) -> None:
        for index in indices[1:]:
            one, other = self._root(indices[0]), self._root(index)
            fixed = [self._fixed[root] for root in (one, other) if root in self._fixed]
            if one == other or len(set(fixed)) > 1:
                continue
            self._parent[other] = one
            if fixed:
                self._fixed[one] = fixed[0]

    def scales(self, ranges: Mapping[str, Range]) -> dict[int, Quantization]:
        tensors = list(dict.fromkeys(self._tensors()))
        whole: dict[int, Range] = {}
        for index in tensors:
            root = self._root(index)
            if root not in self._fixed:
                found = _range_of(self._network, ranges, index)
                whole[root] = whole[root].union(found) if root in whole else found
        roots = {root: quantization_of_range(found) for root, found in whole.items()} | self._fixed
        return {index: roots[self._root(index)] for index in tensors}

    def _tensors(self) -> Iterator[int]:
        """Yield activations, and the constants that operators read as values."""
        yield from self._network.activations
        for operator in self._network.operators:
            rule = RULES.get(operator.kind)
            places = (rule.weights.weights, rule.weights.bias) if rule and rule.weights else ()
            for place, index in enumerate(operator.inputs):
                if place not in places and self._network.is_real(index) and self._network.is_constant(index):
                    yield index

    def _root(self, index: int) -> int:
        while (parent := self._parent.get(index, index)) != index:
            index = parent
        return index


def _range_of(network: Network, ranges: Mapping[str, Range], index: int) -> Range:
    if network.is_constant(index):
        values = network.constant(index)
        return Range(float(values.min()), float(values.max()))
    found = ranges.get(network.names[index])
    if found is None:
        raise InputError(f"the ranges know nothing of the tensor {network.names[index]}: they are of another model")
    return found
