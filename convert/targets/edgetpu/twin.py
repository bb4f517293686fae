"""Whether a compiled file belongs to a CPU model, as far as the schema can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from detlite.convert.targets.edgetpu.compiled import Compiled
from detlite.convert.targets.edgetpu.graph import Graph, GraphOperator, GraphTensor
from detlite.convert.targets.edgetpu.likeness import EXPORTED_AGAIN, is_same_network, size_finding
from detlite.convert.targets.edgetpu.validity import findings

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Twins:
    """How a CPU model and a compiled file relate.

    Attributes:
        mapped: for each operator of the CPU model, whether the Edge TPU runs it in the compiled file.
        findings: why they do not belong together, or why the compiled file is not valid; empty if they do.
        size_finding: what is wrong with the size of the weights; None if it may be right.
    """

    mapped: tuple[bool, ...]
    findings: tuple[str, ...]
    size_finding: str | None = None


def compare_twins(cpu: Graph, compiled: Compiled) -> Twins:
    """Return whether the Edge TPU compiler made *compiled* from *cpu*.

    It compares inputs and outputs, the operators that stayed on the CPU, the tensors at the edges of each subgraph,
    with their shapes, dtypes, scales and zero points, and the size of the weights. Weights themselves cannot be
    compared: two models that differ in nothing else look the same.
    """
    broken = findings(compiled)
    found = list(_tensors("input", cpu.inputs, compiled.graph.inputs))
    found += _tensors("output", cpu.outputs, compiled.graph.outputs)
    stayed, strangers = _stayed(cpu, compiled)
    found += strangers
    covered: set[int] = set()
    for place in compiled.places:
        swallowed, problems = _swallowed(cpu, compiled.graph.operators[place])
        covered |= swallowed
        found += problems
    mapped = tuple(op.index not in stayed for op in cpu.operators)
    lost = [op for op in cpu.operators if mapped[op.index] and op.index not in covered and _is_used(cpu, op)]
    if lost and not strangers:
        found.append(f"operator {lost[0].index}, {lost[0].name}, of the CPU model is missing from the compiled file")
    size = size_finding(cpu, mapped, compiled)
    if found and size is None and is_same_network(cpu, compiled):
        found.insert(0, EXPORTED_AGAIN)
    return Twins(mapped, (*broken, *found), size)


def _key(op: GraphOperator) -> Key:
    return op.name, tuple(tensor.name for tensor in op.outputs)


def _stayed(cpu: Graph, compiled: Compiled) -> tuple[set[int], list[str]]:
    """Return the operators of *cpu* that are unchanged in *compiled*, and those of *compiled* that *cpu* lacks."""
    places: dict[Key, list[int]] = {}
    for op in cpu.operators:
        places.setdefault(_key(op), []).append(op.index)
    stayed: set[int] = set()
    strangers: list[str] = []
    for op in compiled.graph.operators:
        if op.index in compiled.places:
            continue
        if places.get(_key(op)):
            twin = cpu.operators[places[_key(op)].pop(0)]
            stayed.add(twin.index)
            for left, right in zip(twin.outputs, op.outputs, strict=True):
                strangers += _differences(f"the output of operator {twin.index}, {op.name},", left, right)
        else:
            strangers.append(f"operator {op.index}, {op.name}, of the compiled file is not in the CPU model")
    return stayed, strangers


def _swallowed(cpu: Graph, operator: GraphOperator) -> tuple[set[int], list[str]]:
    """Return the operators of *cpu* between the inputs and outputs of one subgraph, and what does not fit."""
    named = {tensor.name: tensor for tensor in cpu.tensors if not tensor.is_constant}
    problems: list[str] = []
    edges: list[list[int]] = []
    for kind, tensors in (("input", operator.inputs), ("output", operator.outputs)):
        edges.append([])
        for tensor in tensors:
            if tensor is None or tensor.is_constant:
                continue
            twin = named.get(tensor.name)
            if twin is None:
                problems.append(f"the subgraph's {kind} {tensor.name!r:.80} is not a tensor of the CPU model")
            else:
                problems += _differences(f"the subgraph's {kind}", twin, tensor)
                edges[-1].append(twin.index)
    return _between(cpu, set(edges[0]), edges[1]), problems


def _between(cpu: Graph, begin: set[int], end: list[int]) -> set[int]:
    maker = {tensor.index: op for op in cpu.operators for tensor in op.outputs}
    waiting, seen = list(end), set()
    while waiting:
        op = maker.get(waiting.pop())
        if op is None or op.index in seen:
            continue
        seen.add(op.index)
        waiting += [t.index for t in op.inputs if t is not None and t.index not in begin]
    return seen


def _is_used(cpu: Graph, op: GraphOperator) -> bool:
    """Whether an output is read by an operator or is one of the model's: some files have dead operators."""
    read = {t.index for other in cpu.operators for t in other.inputs if t is not None}
    return any(tensor.index in read or tensor in cpu.outputs for tensor in op.outputs)


def _tensors(kind: str, cpu: tuple[GraphTensor, ...], compiled: tuple[GraphTensor, ...]) -> Iterator[str]:
    if len(cpu) != len(compiled):
        yield f"the CPU model has {len(cpu)} {kind}s and the compiled file {len(compiled)}"
        return
    for left, right in zip(cpu, compiled, strict=True):
        yield from _differences(f"the {kind}", left, right)


def _differences(said: str, left: GraphTensor, right: GraphTensor) -> Iterator[str]:
    pairs = (
        ("name", left.name, right.name),
        ("shape", list(left.shape or right.shape), list(right.shape or left.shape)),  # old exporters leave it empty
        ("dtype", left.dtype, right.dtype),
        ("scale", left.scales, right.scales),
        ("zero point", left.zero_points, right.zero_points),
    )
    for what, a, b in pairs:
        if a != b:
            yield f"{said} {left.name!r:.80} has the {what} {a} in the CPU model and {b} in the compiled file"
