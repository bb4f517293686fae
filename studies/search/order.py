"""Orders in which operators are left float: what takes most of the output error for the fewest operators first.

A layer's rounded weights go when it is float; a rounded activation goes when its producer and all of its readers are.
Activations cause most of the error, so it falls where neighbours are float together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from detlite.calibration.network import Network
from detlite.calibration.numbers.kernels import layers
from detlite.calibration.numbers.operators import INT8_RULES
from detlite.runtime.arrays import Doubles
from detlite.studies.search.blame import tensor_blames
from detlite.studies.search.shares import Shares
from detlite.studies.search.trials import Trials

Unit = tuple[str, ...]
"""Operators, by name, that share one scale: leaving only some of them float gains nothing."""


def orders(trials: Trials, shares: Shares | None, most: int) -> list[list[Unit]]:
    """Return the orders in which to leave units float, each of at most *most* operators in total.

    The first is by their errors. The second is from the image on: what a few images say of single errors is noisy, and
    the noise of the first operators passes through all others (on SSDLite MobileNet V2, the logits of 48 images have
    an error of .113 with the first five by their errors float, and of .099 with those next to the image; the boxes
    .055 in both; with 40 float it is .073 and .079). Without *shares*, of a model whose outputs cannot be compared, the
    noise of its tensors takes their place.
    """
    known = _rounded(trials)
    if shares is None:
        unit_of = {name: unit for unit in known for name in unit}
        worst = sorted(tensor_blames(trials), key=lambda one: -one.added)
        ranked = [*dict.fromkeys(unit_of[one.name] for one in worst if one.name in unit_of), *known]
        return [list(_within(list(dict.fromkeys(ranked)), most)), list(_within(known, most))]
    return [by_shares(trials.calibrated.network, known, shares, most), list(_within(known, most))]


def remaining(trials: Trials, shares: Shares, chain: Sequence[Sequence[Unit]]) -> list[Doubles]:
    """Return the noise that is left when each of *chain* is float, over signal, of each image, float64 (images,)."""
    bundles = _Bundles(trials.calibrated.network, _rounded(trials), shares)
    return [bundles.remaining(frozenset(chosen)) for chosen in chain]


def _rounded(trials: Trials) -> list[Unit]:
    return [unit for unit in units(trials.calibrated.network) if not trials.floating & set(unit)]


def by_shares(network: Network, known: Sequence[Unit], shares: Shares, most: int) -> list[Unit]:
    """Return units out of *known*, of at most *most* operators, those with most error for each operator first.

    Each step takes what has the largest share for each operator that it adds: a unit, or all that makes and reads one
    activation.
    """
    bundles = _Bundles(network, known, shares)
    chosen: list[Unit] = []
    while found := bundles.best(chosen, most - sum(map(len, chosen))):
        chosen += found
    return chosen


def idle(network: Network, chosen: Sequence[Unit]) -> list[Unit]:
    """Return those of *chosen* that take nothing off: without weights, and neither made from nor read by a float one.

    Such an operator reads rounded values, and its result is rounded again; so it is when another reads the same values.
    """
    floating = {name for unit in chosen for name in unit}
    weighted = {layer.operator.name for layer in layers(network)}
    around: dict[str, set[str]] = {name: set() for name in floating}
    readers = network.readers()
    for maker in network.operators:
        read = {reader.name for index in maker.outputs for reader in readers.get(index, ())} & floating
        if maker.name in floating:
            around[maker.name] |= read
            for name in read:
                around[name].add(maker.name)
    return [
        unit
        for unit in chosen
        if not weighted.intersection(unit) and not set().union(*(around[name] for name in unit)) - set(unit)
    ]


class _Bundles:
    """Units that are worth most if they are float together."""

    def __init__(self, network: Network, known: Sequence[Unit], shares: Shares) -> None:
        unit_of = {name: unit for unit in known for name in unit}
        around, ends = _neighbours(network, shares.tensors), set(network.outputs)
        self._around = {index: frozenset(unit_of.get(name, ()) for name in around[index]) for index in around}
        stored = {unit_of.get(operator.name, ()) for operator in network.operators if set(operator.outputs) & ends}
        made = {index: unit_of.get(operator.name, ()) for operator in network.operators for index in operator.outputs}
        self._around = {
            index: found
            for index, found in self._around.items()
            if () not in found and made[index] not in stored  # what an output holds stays int8
        }
        self._known, self._shares = known, shares
        self._tensors = {index: float(share.sum()) for index, share in shares.tensors.items()}
        self._weights = {
            unit: sum(float(shares.weights[name].sum()) for name in self._weighted(unit)) for unit in known
        }

    def best(self, chosen: Collection[Unit], most: int) -> list[Unit]:
        """Return the units to add to *chosen*, of at most *most* operators; none if none fits."""
        done = frozenset(chosen)
        wishes = dict.fromkeys(
            wish - done for wish in (*(frozenset([unit]) for unit in self._known), *self._around.values())
        )
        fitting = [wish for wish in wishes if wish and _size(wish) <= most]
        if not fitting:
            return []
        best = max(fitting, key=lambda wish: self._gain(done, wish) / _size(wish))
        return [unit for unit in self._known if unit in best]

    def remaining(self, chosen: frozenset[Unit]) -> Doubles:
        """Return the noise that is left when *chosen* are float, of each image."""
        shares, names = self._shares, {name for unit in chosen for name in unit}
        freed = {index for index, around in self._around.items() if around <= chosen}
        left = [share for index, share in shares.tensors.items() if index not in freed]
        left += [share for name, share in shares.weights.items() if name not in names]
        total: Doubles = np.sum([*left, shares.outputs], axis=0)
        return total

    def _weighted(self, unit: Unit) -> list[str]:
        return [name for name in unit if name in self._shares.weights]

    def _gain(self, done: frozenset[Unit], wish: frozenset[Unit]) -> float:
        whole = done | wish
        freed = (index for index, around in self._around.items() if around & wish and around <= whole)
        return sum(self._weights[unit] for unit in wish) + sum(self._tensors[index] for index in freed)


def _neighbours(network: Network, tensors: Iterable[int]) -> dict[int, list[str]]:
    """Return the names of the operators that make or read each of *tensors*."""
    found: dict[int, list[str]] = {index: [] for index in tensors}
    for operator in network.operators:
        for index in (*operator.inputs, *operator.outputs):
            if index in found:
                found[index].append(operator.name)
    return found


def _within(ranked: Sequence[Unit], most: int) -> Iterator[Unit]:
    for unit in ranked:
        most -= len(unit)
        if most < 0:
            return
        yield unit


def _size(units: Collection[Unit]) -> int:
    return sum(map(len, units))


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
