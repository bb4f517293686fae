"""How TFLite cuts a graph for a delegate: `PartitionGraphIntoIndependentNodeSubsets` of TensorFlow Lite.

Each subset takes every operator of its kind (supported or not) whose inputs are ready, until none is left; the first
ready operator in the file then decides the kind of the next subset. So a subset may hold operators from before and
after an unsupported one, and is not simply the first run of supported operators in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from detlite.convert.targets.edgetpu.graph import Graph


@dataclass(frozen=True)
class Subset:
    """Operators that run together, by index in the file; *supported* says where."""

    supported: bool
    operators: tuple[int, ...]


def partition(graph: Graph, supported: Sequence[bool]) -> tuple[Subset, ...]:
    """Return the subsets of *graph* in execution order; operators in a cycle are in none."""
    readers, waits = _dependencies(graph)
    ready: dict[bool, list[int]] = {True: [], False: []}
    for index, count in enumerate(waits):
        if not count:
            heappush(ready[supported[index]], index)
    subsets: list[Subset] = []
    while ready[True] or ready[False]:
        kind = not ready[False] or (bool(ready[True]) and ready[True][0] < ready[False][0])
        taken: list[int] = []
        while ready[kind]:
            taken.append(heappop(ready[kind]))
            for reader in readers[taken[-1]]:
                waits[reader] -= 1
                if not waits[reader]:
                    heappush(ready[supported[reader]], reader)
        subsets.append(Subset(kind, tuple(sorted(taken))))
    return tuple(subsets)


def _dependencies(graph: Graph) -> tuple[list[list[int]], list[int]]:
    """Return for each operator those that depend on it, and how many it depends on."""
    maker = {tensor.index: op.index for op in graph.operators for tensor in op.outputs}
    for tensor in graph.tensors:
        if tensor.is_constant or tensor.is_variable:
            maker.pop(tensor.index, None)
    readers: list[list[int]] = [[] for _ in graph.operators]
    waits = []
    for op in graph.operators:
        makers = {maker[t.index] for t in op.inputs if t is not None and t.index in maker}
        waits.append(len(makers))
        for index in makers:
            readers[index].append(op.index)
    return readers, waits
