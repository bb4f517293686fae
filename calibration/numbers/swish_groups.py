"""Tensors whose channels can be scaled together, so that the network computes the same.

A convolution scales each channel of its output by its weights and its bias, and takes scaled channels of its input by
its weights. What lies between works channel by channel: moves, means over places, sums of two tensors with the same
scales or with a constant for each channel, products with a tensor that has none, and states. A swish x * sigmoid(x), or
a hard swish in the form x * relu6(x + 3), lets scales through if its gate undoes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.disjoint_sets import DisjointSets
from detlite.calibration.numbers.kernels import layers
from detlite.calibration.numbers.recurrence import pairs_of
from detlite.calibration.numbers.saturation import hard_swish_of
from detlite.runtime.stream_inputs import StateInput

CONV, DEPTHWISE = "CONV_2D", "DEPTHWISE_CONV_2D"
SUMS = frozenset({"ADD", "SUB"})
KEEPING = frozenset({"RESHAPE", "SLICE", "STRIDED_SLICE", "PAD", "MEAN", "AVERAGE_POOL_2D", "MAX_POOL_2D"})
TYING = KEEPING | SUMS | {"CONCATENATION"}
"""Operators whose output has the scales of all their inputs; `KEEPING` are those with one input."""

IMAGE_RANK = 4


@dataclass(frozen=True)
class SwishGroup:
    """Tensors whose channels are scaled together.

    Attributes:
        tensors: by index, among them the constants that sums add to each channel.
        gates: the sums x + 3 of the hard swishes in it, and the sigmoids of the swishes: they take x without scales.
    """

    tensors: frozenset[int]
    gates: tuple[Operator, ...]


@dataclass(frozen=True)
class SwishGroups:
    """The groups of a network.

    Attributes:
        groups: those that hold a swish or a hard swish over a map.
        joined: the tensors whose channels are those of several others one after another, with these.
    """

    groups: tuple[SwishGroup, ...]
    joined: dict[int, tuple[int, ...]]


def swish_groups(network: Network, states: Sequence[StateInput]) -> SwishGroups:
    """Return the groups of *network*, whose inputs after its image are *states*."""
    ties = _Ties(network)
    for operator in network.operators:
        ties.see(operator)
    for state, pair in zip(states, pairs_of(network, states), strict=True):
        ties.join(pair)
        if state.initial:
            ties.fix(pair[:1])
    carried = {state.output for state in states}
    ties.fix([network.image, *(end for place, end in enumerate(network.outputs) if place not in carried)])
    return ties.found()


class _Ties:
    """Sets of tensors of a network that are scaled together; one with a fixed tensor cannot be scaled."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._readers = network.readers()
        found = (layer for layer in layers(network) if layer.operator.kind in (CONV, DEPTHWISE))
        self._layers = {layer.operator.name: layer for layer in found}
        self._sets = DisjointSets()
        self._fixed: set[int] = set()
        self._joined: dict[int, tuple[int, ...]] = {}
        self._gates: list[Operator] = []

    def see(self, operator: Operator) -> None:
        """Tie or fix the tensors of *operator*."""
        network = self._network
        real = [index for index in operator.inputs if network.is_real(index)]
        computed = [index for index in real if not network.is_constant(index)]
        made = [index for index in operator.outputs if network.is_real(index)]
        if operator.name in self._layers:
            self._see_layer(operator)
        elif self._is_gate(operator):
            self._gates.append(operator)
            self.fix(made)
        elif _fused(operator) or not made:
            self.fix([*computed, *made])
        elif operator.kind == "CONCATENATION" and self._joins_channels(operator):
            self._joined[made[0]] = operator.inputs
            readers = self._readers.get(made[0], ())
            if made[0] in network.outputs or not all(self._takes_scales(reader, made[0]) for reader in readers):
                self.fix([*made, *computed])
        elif operator.kind in TYING and self._keeps_channels(operator, real):
            self._tie([*real, *made])
        elif operator.kind in ("MUL", "DIV"):
            self._see_product(operator)
        else:
            self.fix([*computed, *made])

    def join(self, indices: Sequence[int]) -> None:
        for index in indices[1:]:
            self._sets.join(indices[0], index)

    def fix(self, indices: Sequence[int]) -> None:
        self._fixed |= set(indices)

    def found(self) -> SwishGroups:
        """Return the groups that hold a swish or a hard swish over a map, none of whose tensors is fixed."""
        members = self._sets.joined()
        gates: dict[int, list[Operator]] = {}
        for gate in self._gates:
            gates.setdefault(self._sets.root(gated(self._network, gate)), []).append(gate)
        fixed = {self._sets.root(index) for index in self._fixed}
        groups = (
            SwishGroup(members.get(root, frozenset({root})), tuple(found))
            for root, found in gates.items()
            if root not in fixed and any(map(self._is_over_map, found))
        )
        return SwishGroups(tuple(groups), self._joined)

    def _is_over_map(self, gate: Operator) -> bool:
        return prod(self._network.shape(gated(self._network, gate))[:-1]) > 1

    def _is_gate(self, operator: Operator) -> bool:
        if len(self._network.shape(operator.outputs[0])) != IMAGE_RANK:
            return False
        if operator.kind == "LOGISTIC":
            return _is_sigmoid_of_swish(self._readers, operator)
        return operator.kind == "ADD" and hard_swish_of(self._network, self._readers, operator) is not None

    def _see_layer(self, operator: Operator) -> None:
        source = self._layers[operator.name].source
        if not self._takes_scales(operator, source):
            self.fix([source])
        if _fused(operator):
            self.fix(operator.outputs)

    def _takes_scales(self, operator: Operator, index: int) -> bool:
        """Return whether *operator* is a layer with weights for each channel of the tensor *index*, which it reads."""
        layer = self._layers.get(operator.name)
        return (
            layer is not None and layer.weights.shape[3:] == self._network.shape(index)[-1:]
        )  # no groups, no multiplier

    def _see_product(self, operator: Operator) -> None:
        """Tie the output to one operand, whose shape it has; the other one has no scales."""
        one, other = operator.inputs
        made, network = operator.outputs[0], self._network
        gates = {gate.outputs[0] for gate in self._gates}
        is_first = operator.kind == "DIV" or other in gates or network.shape(other) != network.shape(made)
        scaled, plain = (one, other) if is_first else (other, one)
        self.fix([plain])
        self.join([scaled, made])
        if network.is_constant(scaled) or network.shape(scaled) != network.shape(made):
            self.fix([made])

    def _tie(self, indices: Sequence[int]) -> None:
        self.join(indices)
        if len({self._network.shape(index)[-1:] for index in indices}) > 1:
            self.fix(indices)

    def _keeps_channels(self, operator: Operator, real: Sequence[int]) -> bool:
        """Return whether *operator* has the channels of its inputs *real*, and constants that can be scaled."""
        network = self._network
        constants = [index for index in real if network.is_constant(index)]
        if not constants:
            return _keeps_last_axis(network, operator)
        channels = network.shape(operator.outputs[0])[-1:]
        return operator.kind in SUMS and all(
            network.shape(index)[-1:] == channels
            and prod(network.shape(index)[:-1]) == 1
            and self._readers[index] == [operator]
            for index in constants
        )

    def _joins_channels(self, operator: Operator) -> bool:
        made = self._network.shape(operator.outputs[0])
        return operator.options.axis in (-1, len(made) - 1)


def gated(network: Network, gate: Operator) -> int:
    """Return the tensor x that *gate*, of a swish or a hard swish, reads."""
    return next(index for index in gate.inputs if not network.is_constant(index))


def _is_sigmoid_of_swish(readers: Mapping[int, Sequence[Operator]], operator: Operator) -> bool:
    """Return whether only a product with what it reads takes the sigmoid that *operator* computes."""
    products = readers.get(operator.outputs[0], ())
    both = {operator.inputs[0], operator.outputs[0]}
    return len(products) == 1 and products[0].kind == "MUL" and set(products[0].inputs) == both


def _fused(operator: Operator) -> bool:
    return bool(getattr(operator.options, "fusedActivationFunction", 0))


def _keeps_last_axis(network: Network, operator: Operator) -> bool:
    """Return whether the last axis of the output of *operator*, if it is as long, is the last one of its inputs."""
    if operator.kind == "RESHAPE" or operator.kind not in KEEPING:
        return True
    if len(network.shape(operator.inputs[0])) != len(network.shape(operator.outputs[0])):
        return False
    if operator.kind == "PAD":
        return network.is_constant(operator.inputs[1]) and not network.constant(operator.inputs[1])[-1].any()
    if operator.kind != "STRIDED_SLICE":
        return True
    options, strides = operator.options, operator.inputs[3]
    moves_axes = options.newAxisMask or options.shrinkAxisMask or options.ellipsisMask
    return not moves_axes and network.is_constant(strides) and int(network.constant(strides)[-1]) == 1
