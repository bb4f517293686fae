"""Whether a CPU model and a compiled file are alike, apart from names, scales and zero points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from detlite.convert.targets.edgetpu.compiled import Compiled, totals
from detlite.convert.targets.edgetpu.graph import Graph, GraphTensor
from detlite.convert.targets.edgetpu.parameters import parameters_of

SIZE_FACTOR = 1.5  # compiled models of over half a megabyte are within 1.16
SIZE_SLACK_BYTES = 16 << 10  # in small ones, constants that are not counted have a larger share
UNCOUNTED = "UNIDIRECTIONAL_SEQUENCE_LSTM"  # its weights are stored for every step

Kind = tuple[tuple[int, ...], str]

EXPORTED_AGAIN = (
    "it is the same network, exported again: operators, shapes and dtypes agree, but names, scales or zero points do "
    "not; compile the model that you run on the CPU"
)


def size_finding(cpu: Graph, mapped: Sequence[bool], compiled: Compiled) -> str | None:
    """Return what is wrong with the size of the compiled weights, or None if they may come from *cpu*.

    Args:
        cpu: the CPU model.
        mapped: for each of its operators, whether the Edge TPU runs it.
        compiled: the compiled file.
    """
    operators = [op for op, is_mapped in zip(cpu.operators, mapped, strict=True) if is_mapped]
    if any(op.name == UNCOUNTED for op in operators):
        return None
    sums, want = totals(compiled), parameters_of(operators).parameter_bytes
    found = sums["cached_bytes"] + sums["streamed_bytes"]
    low, high = sorted((want, found))
    if high <= SIZE_FACTOR * low + SIZE_SLACK_BYTES:
        return None
    return f"the compiled file holds {found} bytes of weights, and those of the CPU model take about {want}"


def is_same_network(cpu: Graph, compiled: Compiled) -> bool:
    """Return whether *compiled* could be *cpu* under other names and scales.

    Inputs, outputs and the operators that stayed on the CPU are alike, and *cpu* has tensors like those at the edges
    of each subgraph.
    """
    places = compiled.places
    stayed = Counter(op.name for op in compiled.graph.operators if op.index not in places)
    known = {_kind(tensor) for tensor in cpu.tensors}
    edges = [
        tensor
        for place in places
        for tensor in (*compiled.graph.operators[place].inputs, *compiled.graph.operators[place].outputs)
        if tensor is not None and not tensor.is_constant
    ]
    return (
        _kinds(cpu.inputs) == _kinds(compiled.graph.inputs)
        and _kinds(cpu.outputs) == _kinds(compiled.graph.outputs)
        and stayed <= Counter(op.name for op in cpu.operators)
        and all(_kind(tensor) in known for tensor in edges)
    )


def _kinds(tensors: Sequence[GraphTensor]) -> list[Kind]:
    return [_kind(tensor) for tensor in tensors]


def _kind(tensor: GraphTensor) -> Kind:
    return tensor.shape, tensor.dtype
