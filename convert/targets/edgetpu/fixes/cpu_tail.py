"""Conversions to float before operators that only move data: placed after them, those map."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.trace import Trace
from detlite.convert.tflite.edit import DEQUANTIZE

MOVERS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE")
"""Operators that output their input's values unchanged."""


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each DEQUANTIZE with the operator that moves its data, if that is its only reader."""
    trace = Trace(graph)
    places = []
    taken: set[int] = set()
    for op in graph.operators:
        source = trace.maker(op.input(0), "DEQUANTIZE") if op.name in MOVERS and op.outputs else None
        inner = None if source is None else source.inputs[0]
        if source is None or inner is None or inner.dtype not in EIGHT_BIT or len(inner.scales) != 1:
            continue
        if [reader.index for reader in trace.readers(source.outputs[0])] == [op.index] and source.index not in taken:
            taken.add(source.index)
            places.append(Place((source.index, op.index), (inner.index,), (op.outputs[0].index,)))
    return tuple(places)


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Move the data first, and convert it afterwards."""
    rewrite = Rewrite(model.data)
    for place in places:
        mover = rewrite.operators[place.operators[1]]
        inner, outer = (rewrite.subgraph.tensors[i] for i in (place.inputs[0], place.outputs[0]))
        name = f"tensor_{place.outputs[0]}_before_dequantize"
        moved = rewrite.edit.tensor(name, tuple(int(side) for side in outer.shape))
        rewrite.subgraph.tensors[moved].type = inner.type
        rewrite.subgraph.tensors[moved].quantization = inner.quantization
        mover.inputs = [place.inputs[0], *mover.inputs[1:]]
        mover.outputs = [moved]
        behind = rewrite.operator(DEQUANTIZE, [moved], list(place.outputs), version=2)
        rewrite.replace(place.operators[1], [mover, behind])
    return FixInput(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="a conversion to float moves after operators that only move data",
    why="what follows a DEQUANTIZE stays on the CPU: reshaped in int8, a detector's tail maps",
    fidelity="exact",
    find=find,
    apply=apply,
)
