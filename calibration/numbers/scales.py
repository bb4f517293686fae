"""Choose one scale and zero point for each activation from its range, by the rules of TFLite's operators."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.disjoint_sets import DisjointSets
from detlite.calibration.numbers.number_format import INT8, NumberFormat
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.calibration.numbers.recurrence import NO_STATES, Recurrence
from detlite.calibration.ranges.ranges import Range
from detlite.runtime.errors import InputError
from detlite.runtime.tensors import Quantization


@dataclass(frozen=True)
class ScalePlan:
    """The storage format of each tensor of a network.

    Attributes:
        scales: scale and zero point of each float tensor that becomes an integer, by index, with image and outputs.
        floating: the names of the operators that stay in float.
        numbers: the number format that the scales are for.
        float_outputs: whether outputs that those compute stay in float, too.
        halved: the names of the layers whose weights have half steps, because they read twin channels.
        as_given: the tensors of states, by index, that keep their dtype.
    """

    scales: Mapping[int, Quantization]
    floating: Container[str]
    numbers: NumberFormat = INT8
    float_outputs: bool = False
    halved: Container[str] = ()
    as_given: Container[int] = ()


def plan_scales(
    network: Network,
    ranges: Mapping[str, Range],
    image: Quantization,
    *,
    floating: Container[str] = (),
    numbers: NumberFormat = INT8,
    states: Recurrence = NO_STATES,
) -> ScalePlan:
    """Return the scales of *network*'s activations.

    Tensors that an operator requires to have one scale share the union of their ranges. If one of them has a fixed
    scale, all get it; if two have different fixed scales, they stay separate and the writer requantizes.

    Args:
        network: the float model.
        ranges: the range of every activation, and of constant operands, by tensor name.
        image: the scale and zero point of the input, which are those of the preprocessing.
        floating: the names of the operators that stay in float.
        numbers: the number format of the activations.
        states: of a stream; the input and the output of each that is carried share one scale.

    Raises:
        InputError: *ranges* lacks a tensor, an operator has no such form, or a state cannot have one scale.
    """
    groups = _Groups(network, image, numbers)
    check_forms(network, floating, numbers)
    for operator in network.operators:
        rule = None if operator.name in floating else numbers.rules.get(operator.kind)
        if rule is not None and rule.fixed is not None:
            groups.fix(operator.outputs[0], rule.fixed)
        if rule is not None and rule.same_scale:
            groups.tie(_reals(network, operator))
    for pair in states.carried:
        groups.tie(list(pair))
    scales = groups.scales(ranges)
    _check_carried(network, scales, states)
    return ScalePlan(scales, floating, numbers, as_given=states.floating)


def _check_carried(network: Network, scales: Mapping[int, Quantization], states: Recurrence) -> None:
    """Raise `InputError` where a state would be requantized from frame to frame."""
    for begin, end in states.carried:
        if scales[begin] != scales[end]:
            raise InputError(
                f"the state {network.names[begin]} has the scale {scales[begin].scale}, and what it becomes "
                f"{scales[end].scale}, which operators fix: its error would grow from frame to frame; leave the "
                f"operator that makes {network.names[end]} in float with --float"
            )


def check_forms(network: Network, floating: Container[str], numbers: NumberFormat) -> None:
    """Raise `InputError` that lists all operators without a form in *numbers*, except those in *floating*."""
    if not numbers.in_place:
        return
    rounded = [operator for operator in network.operators if operator.name not in floating]
    unsupported = {operator.kind: operator.name for operator in rounded if operator.kind not in numbers.rules}
    options = " ".join(f"--float {kind}" for kind in unsupported)
    if len(unsupported) == 1:
        [(kind, name)] = unsupported.items()
        raise InputError(
            f"the operator {kind} that computes {name} has no {numbers.dtype} form: leave it in float with {options}, "
            "or remove it from the graph"
        )
    if unsupported:
        raise InputError(
            f"the operators {', '.join(unsupported)} have no {numbers.dtype} form: leave them in float with {options}, "
            "or remove them from the graph"
        )


def _reals(network: Network, operator: Operator) -> list[int]:
    return [index for index in (*operator.inputs, *operator.outputs) if network.is_real(index)]


class _Groups:
    """Groups of tensors that share one scale: their roots may have a fixed scale."""

    def __init__(self, network: Network, image: Quantization, numbers: NumberFormat) -> None:
        self._network, self._numbers = network, numbers
        self._sets = DisjointSets()
        self._fixed: dict[int, Quantization] = {}
        self.fix(network.image, image)

    def fix(self, index: int, quantization: Quantization) -> None:
        self._fixed[self._sets.root(index)] = quantization

    def tie(self, indices: list[int]) -> None:
        for index in indices[1:]:
            one, other = self._sets.root(indices[0]), self._sets.root(index)
            fixed = [self._fixed[root] for root in (one, other) if root in self._fixed]
            if one == other or len(set(fixed)) > 1:
                continue
            self._sets.join(one, other)
            if fixed:
                self._fixed[one] = fixed[0]

    def scales(self, ranges: Mapping[str, Range]) -> dict[int, Quantization]:
        tensors = list(dict.fromkeys(self._tensors()))
        whole: dict[int, Range] = {}
        for index in tensors:
            root = self._sets.root(index)
            if root not in self._fixed:
                found = _range_of(self._network, ranges, index)
                whole[root] = whole[root].union(found) if root in whole else found
        roots = {root: self._numbers.of_range(found) for root, found in whole.items()} | self._fixed
        return {index: roots[self._sets.root(index)] for index in tensors}

    def _tensors(self) -> Iterator[int]:
        """Yield the activations, and the constants that are operands rather than weights."""
        yield from self._network.activations
        for operator in self._network.operators:
            rule = INT8_RULES.get(operator.kind)
            places = (rule.weights.weights, rule.weights.bias) if rule and rule.weights else ()
            for place, index in enumerate(operator.inputs):
                if place not in places and self._network.is_real(index) and self._network.is_constant(index):
                    yield index


def _range_of(network: Network, ranges: Mapping[str, Range], index: int) -> Range:
    if network.is_constant(index):
        values = network.constant(index)
        return Range(float(values.min()), float(values.max()))
    found = ranges.get(network.names[index])
    if found is None:
        raise InputError(f"the ranges lack the tensor {network.names[index]}: they belong to another model")
    return found
