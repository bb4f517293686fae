"""The proof of a fix: the model and its parts run on the same numbers, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph, GraphTensor, read_graph
from detlite.convert.targets.edgetpu.region import region
from detlite.convert.targets.edgetpu.sample import Arrays, random_inputs, run_models, steps_apart
from detlite.runtime.counts import counted
from detlite.runtime.errors import FindingError
from detlite.runtime.progress import Progress, silent

STEPS = {"exact": 0, "rounding": 1}
"""How many steps of its scale an output may change at one place, by the fix's fidelity."""

Run = tuple[bytes, Arrays]


@dataclass(frozen=True)
class Proof:
    """How much a fix changed the outputs.

    Attributes:
        places: the number of places run alone, on random numbers over their whole range.
        place_steps: the largest change of an output of one of them, in steps of its scale.
        output_difference: the largest change of an output of the whole model, in reals, on random inputs; None if
            its outputs are different tensors.
        output_steps: the same in steps of the outputs' scales; None if they have none.
    """

    places: int
    place_steps: int
    output_difference: float | None
    output_steps: int | None


def prove(
    name: str, fix: Fix, models: tuple[FixInput, FixInput], places: Sequence[Place], *, progress: Progress = silent
) -> Proof:
    """Return how much *fix*, called *name*, changed the outputs from the first of *models* to the second.

    Raises:
        FindingError: more than its fidelity allows.
        InputError: names of tensors are not unique, so a place cannot be found again; see `with_unique_names`.
    """
    before, after = (model.data for model in models)
    old, new = read_graph(before, "the model"), read_graph(after, "the fixed model")
    allowed = STEPS.get(fix.fidelity)
    batches = _apart(places) if allowed is not None else []
    runs = [run for batch in batches for run in _parts(old, before, after, batch)]
    comparable = [t.shape for t in old.outputs] == [t.shape for t in new.outputs]
    if comparable:
        runs += _pair((before, old.inputs), (after, new.inputs))
    results = run_models(runs, progress=progress)
    pairs = list(zip(results[::2], results[1::2], strict=True))
    moved = round(max((steps_apart(*pair) for pair in pairs[: len(batches)]), default=0.0))
    alone = sum(map(len, batches))
    if allowed is not None and moved > allowed:
        raise FindingError(
            f"--fix {name} is not proven: an output changed by {counted(moved, 'step')}; at most {allowed} allowed"
        )
    if not comparable:
        return Proof(alone, moved, None, None)
    difference = max((_reals_apart(a, b, t) for a, b, t in zip(*pairs[-1], old.outputs, strict=True)), default=0.0)
    if allowed == 0 and difference != 0:
        raise FindingError(f"--fix {name} is not proven: an output changed by {difference:g}; it must not change")
    integer = all(tensor.dtype in EIGHT_BIT for tensor in old.outputs)
    return Proof(alone, moved, difference, round(steps_apart(*pairs[-1])) if integer else None)


def _apart(places: Sequence[Place]) -> list[list[Place]]:
    """Return *places* in batches that can run at once: no place makes an input of another in its batch."""
    batches: list[list[Place]] = []
    for place in places:
        for batch in batches:
            made = {index for other in (*batch, place) for index in other.outputs}
            fed = {index for other in (*batch, place) for index in other.inputs}
            if not made & fed:
                batch.append(place)
                break
        else:
            batches.append([place])
    return batches


def _parts(graph: Graph, before: bytes, after: bytes, places: Sequence[Place]) -> list[Run]:
    """Return the runs of *places* alone, each with its own inputs, before and after."""
    inputs = list(dict.fromkeys(graph.tensors[i].name for place in places for i in place.inputs))
    outputs = [graph.tensors[i].name for place in places for i in place.outputs]
    parts = region(before, inputs, outputs), region(after, inputs, outputs)
    return _pair(*((part, read_graph(part, "a part").inputs) for part in parts))


def _pair(before: tuple[bytes, tuple[GraphTensor, ...]], after: tuple[bytes, tuple[GraphTensor, ...]]) -> list[Run]:
    """Return the runs of two models on the same numbers; a float input gets the values of the other's integers."""
    fed = random_inputs(after[1])
    same = [_as_before(values, old, new) for values, old, new in zip(fed, before[1], after[1], strict=True)]
    return [(before[0], same), (after[0], fed)]


def _as_before(values: NDArray[Any], old: GraphTensor, new: GraphTensor) -> NDArray[Any]:
    if old.dtype == new.dtype or not new.scales:
        return values
    real = (values.astype(np.float32) - np.float32(new.zero_points[0])) * np.float32(new.scales[0])
    return real.astype(old.dtype)


def _reals_apart(left: NDArray[Any], right: NDArray[Any], tensor: GraphTensor) -> float:
    return steps_apart([left], [right]) * (tensor.scales[0] if tensor.scales else 1.0)
