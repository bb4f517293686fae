"""How a model of integers stores the states of a stream, by what the network does with them.

A state is on a cycle: what it becomes is the next frame's state. Where only moves are on the cycle, as in a buffer of
the last frames, the codes of one scale pass from frame to frame bit for bit. Where arithmetic is, as in a running mean,
they would be rounded at every frame, and a frame's share of a mean over 300 is less than a step. Such a state stays
float, with the operators of its cycle. A convolution or another layer with weights ends a cycle: it rounds anyway.

What has no form in integers and reads such floats alone stays float, too: a sum's division by the number of frames.

Counters, which depend on nothing but themselves, and what only they lead to stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from detlite.calibration.attention import bank_operators
from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError
from detlite.runtime.stream_inputs import StateInput

SMOOTHING = ("AVERAGE_POOL_2D", "RESIZE_BILINEAR")
"""Operators of one scale that compute: the others only move values or choose among them."""

MOVES = frozenset(kind for kind, rule in INT8_RULES.items() if rule.same_scale and kind not in SMOOTHING)


@dataclass(frozen=True)
class Recurrence:
    """The states of a network by how they are stored.

    Attributes:
        carried: the tensors, by index, of each state that becomes an integer: its input, and its output.
        floating: the tensors of the states that stay as they are: float32, or counters; and of further inputs.
        operators: the names of the operators that stay float, for states or banks.
    """

    carried: tuple[tuple[int, int], ...] = ()
    floating: frozenset[int] = frozenset()
    operators: frozenset[str] = frozenset()


NO_STATES = Recurrence()


def recurrence(network: Network, states: Sequence[StateInput], banks: Sequence[int] = ()) -> Recurrence:
    """Return how *states*, the inputs of *network* after its image, are stored.

    Without states, further inputs stay as they are: windows, and banks, whose tensors are at the places *banks*, with
    what attends to them.

    Raises:
        InputError: an output does not fit the state that it becomes.
    """
    if not states:
        attending = bank_operators(network, [network.inputs[place] for place in banks])
        return Recurrence((), frozenset(network.inputs[1:]), attending)
    pairs = pairs_of(network, states)
    ahead, back = _edges(network, pairs)
    counted = _counting(network, pairs)
    carried, floating = [], {index for pair in pairs for index in pair if index in counted}
    operators = {one.name for one in network.operators if counted & set(one.outputs)}
    for pair in (pair for pair in pairs if pair[0] not in counted):
        cycle = _reached(ahead, pair[0]) & _reached(back, pair[0])
        found = [one for one in network.operators if cycle & set(one.inputs) and cycle & set(one.outputs)]
        if network.dtype(pair[0]) == "float32" and all(one.kind in MOVES for one in found):
            carried.append(pair)
        else:
            floating |= set(pair)
            operators |= {one.name for one in found}
    operators |= _only_in_float(network, operators, floating)
    return Recurrence(tuple(carried), frozenset(floating), frozenset(operators))


def _only_in_float(network: Network, operators: Iterable[str], floating: Iterable[int]) -> set[str]:
    """Return the operators without a form in integers that read floats of states alone: a sum over a count."""
    names, known, found = set(operators), set(floating), set[str]()
    for operator in network.operators:
        computed = [index for index in operator.inputs if index >= 0 and not network.is_constant(index)]
        if operator.kind not in INT8_RULES and computed and known.issuperset(computed):
            found.add(operator.name)
        if operator.name in names | found:
            known |= set(operator.outputs)
    return found


def pairs_of(network: Network, states: Sequence[StateInput]) -> list[tuple[int, int]]:
    """Return the tensors of the input and the output of each of *states*; errors as in `recurrence`."""
    if len(network.inputs) != 1 + len(states):
        raise InputError(
            f"the model has {counted(len(network.inputs), 'input')}, its contract an image and "
            f"{counted(len(states), 'state')}: they do not belong together"
        )
    pairs = []
    for state, begin in zip(states, network.inputs[1:], strict=True):
        if state.output >= len(network.outputs):
            raise InputError(
                f"the state {state.name} is output number {state.output}, and the model has {len(network.outputs)}"
            )
        end = network.outputs[state.output]
        want, got = ((network.dtype(index), network.shape(index)) for index in (begin, end))
        if want != got:
            raise InputError(
                f"the state {state.name} is {want[0]} {want[1]}, and what it becomes is {got[0]} {got[1]}: want the "
                "same dtype and shape at every frame"
            )
        pairs.append((begin, end))
    return pairs


def _edges(network: Network, pairs: Sequence[tuple[int, int]]) -> tuple[Mapping[int, set[int]], Mapping[int, set[int]]]:
    """Return which tensors each tensor leads to without a layer in between, and which lead to it."""
    ahead: dict[int, set[int]] = {end: {begin for begin, last in pairs if last == end} for _begin, end in pairs}
    for operator in network.operators:
        if not _is_layer(network, operator):
            for index in operator.inputs:
                ahead.setdefault(index, set()).update(operator.outputs)
    back: dict[int, set[int]] = {}
    for index, others in ahead.items():
        for other in others:
            back.setdefault(other, set()).add(index)
    return ahead, back


def _is_layer(network: Network, operator: Operator) -> bool:
    rule = INT8_RULES.get(operator.kind)
    return rule is not None and rule.weights is not None and network.is_constant(operator.inputs[rule.weights.weights])


def _reached(edges: Mapping[int, Iterable[int]], start: int) -> set[int]:
    """Return the tensors that *edges* lead to from *start*, with it."""
    waiting, found = [start], {start}
    while waiting:
        for index in edges.get(waiting.pop(), ()):
            if index not in found:
                found.add(index)
                waiting.append(index)
    return found


def _counting(network: Network, pairs: Sequence[tuple[int, int]]) -> set[int]:
    """Return the tensors that depend on nothing but states that count frames, and these."""
    counters = set(pairs)
    while True:
        found = {begin for begin, _end in counters}
        for operator in network.operators:
            computed = [index for index in operator.inputs if index >= 0 and not network.is_constant(index)]
            if computed and found.issuperset(computed):
                found |= set(operator.outputs)
        wrong = {pair for pair in counters if pair[1] not in found}
        if not wrong:
            return found
        counters -= wrong
