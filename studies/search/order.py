"""Orders in which operators are left float: from the image on, from the heads on, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from detlite.calibration.network import Network
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.runtime.progress import Progress
from detlite.studies.search.blame import tensor_blames
from detlite.studies.search.trials import Trials

Unit = tuple[str, ...]
"""Operators, by name, that share one scale: leaving only some of them float gains nothing."""

MEASURED = 16
"""Number of units to measure separately, by worst tensors; further differences are within the noise."""


def orders(trials: Trials, progress: Progress) -> list[list[Unit]]:
    """Return the orders of the units of a model.

    Beyond the few worst operators, the loss is rounding of activations, similar everywhere: it disappears only if
    neighbours are float together. The first operators gain most: their noise passes through the rest (measured on
    SSDLite MobileNet V2: the first five operators 4.2 dB, any five others less than 3), and then the heads.
    """
    known = [unit for unit in units(trials.calibrated.network) if not trials.floating & set(unit)]
    heads = [unit for unit in known if set(unit) & head_operators(trials.calibrated.network)]
    worst = _worst(trials, known, progress)
    wishes = ([*worst, *known], known, [*worst[:1], *heads, *known])
    return [list(dict.fromkeys(wish)) for wish in wishes]


def _worst(trials: Trials, known: Sequence[Unit], progress: Progress) -> list[Unit]:
    """Return the units with the worst tensors, the worst first: measured separately where outputs can be compared."""
    unit_of = {name: unit for unit in known for name in unit}
    ranked = sorted(tensor_blames(trials), key=lambda one: -one.added)
    suspects = list(dict.fromkeys(unit_of[one.name] for one in ranked if one.name in unit_of))[:MEASURED]
    if trials.has_regions:  # the budget judges these by fidelity
        return suspects
    base, gains = trials.error(trials.model()).db, {}
    for number, unit in enumerate(suspects, 1):
        gains[unit] = trials.error(trials.model(unit)).db - base
        progress("operators measured", number, len(suspects))
    return sorted((unit for unit in suspects if gains[unit] > 0), key=lambda unit: -gains[unit])


def units(network: Network) -> list[Unit]:
    """Return the units of *network*: operators joined by one that only moves values, in order."""
    unit_of: dict[str, list[str]] = {operator.name: [operator.name] for operator in network.operators}
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    for operator in network.operators:
        rule = INT8_RULES.get(operator.kind)
        if rule is None or not rule.same_scale:
            continue
        for index in operator.inputs:
            if index in makers:
                _join(unit_of, makers[index].name, operator.name)
    return list(dict.fromkeys(tuple(unit_of[operator.name]) for operator in network.operators))


def _join(unit_of: dict[str, list[str]], one: str, other: str) -> None:
    if unit_of[one] is not unit_of[other]:
        whole = unit_of[one] + unit_of[other]
        for name in whole:
            unit_of[name] = whole


def head_operators(network: Network) -> set[str]:
    """Return the names of the operators that lead only to one output: the heads, up to a feature map."""
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    readers = network.readers()
    found: set[str] = set()
    waiting = list(network.outputs)
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and maker.name not in found:
            found.add(maker.name)
            waiting += [index for index in maker.inputs if len(readers.get(index, ())) == 1]
    return found
