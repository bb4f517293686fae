"""The stages of a two-stage detector by their operators, found by what suppression reads and what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from detlite.calibration.network import Network, Operator
from detlite.calibration.regions import SUPPRESSION

WHOLE_IMAGE, PROPOSALS, SECOND, MASKS = "backbone", "region proposals", "second stage", "masks"


def stages(network: Network) -> Mapping[str, frozenset[str]]:
    """Return the names of the operators of each stage of *network*; empty if it suppresses no boxes.

    The backbone is what crops and later layers read of the whole image; the proposals' is what the first suppression
    alone needs; the second stage comes after that, and masks come after a second suppression. An R-FCN computes most of
    its second stage for the whole image, so that counts as its backbone.
    """
    suppressions = [operator for operator in network.operators if operator.kind in SUPPRESSION]
    if not suppressions:
        return {}
    after = {operator.name: _after(network, [operator]) for operator in suppressions}
    first = [one for one in suppressions if not any(one.name in found for found in after.values())]
    later = [one for one in suppressions if one not in first]
    regions = _after(network, first)
    masks = _after(network, later)
    inside = [operator for operator in network.operators if operator.name in regions]
    named = {operator.name for operator in first}
    read = {index for operator in first for index in operator.inputs}
    suppressed = {operator.name for operator in network.operators if read & set(operator.outputs)}
    backbone = _before(network, inside, regions | named | suppressed)  # the kept boxes are gathered from the same ones
    proposals = _before(network, first, regions | backbone) - named
    found = {WHOLE_IMAGE: backbone, PROPOSALS: proposals, SECOND: regions - masks, MASKS: masks}
    return {stage: frozenset(names) for stage, names in found.items() if names}


def _after(network: Network, begins: Iterable[Operator]) -> set[str]:
    """Return the operators that *begins* feed, directly or not, without these."""
    readers, found = network.readers(), set[str]()
    waiting = list(begins)
    while waiting:
        for index in waiting.pop().outputs:
            for reader in readers.get(index, ()):
                if reader.name not in found:
                    found.add(reader.name)
                    waiting.append(reader)
    return found


def _before(network: Network, ends: Iterable[Operator], known: set[str]) -> set[str]:
    """Return the operators that feed *ends*, directly or not, without the *known* ones and what only these read."""
    makers = {index: operator for operator in network.operators for index in operator.outputs}
    found = set[str]()
    waiting = list(ends)
    while waiting:
        for index in waiting.pop().inputs:
            maker = makers.get(index)
            if maker is not None and maker.name not in found and maker.name not in known:
                found.add(maker.name)
                waiting.append(maker)
    return found
