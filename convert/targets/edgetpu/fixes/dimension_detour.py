"""A RESHAPE to more than 4 dimensions and one back to the same shape: two operators that do nothing."""

from __future__ import annotations

import numpy as np

from detlite.convert.targets.edgetpu.conditions import MOST_DIMENSIONS
from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import Graph
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.trace import Trace

RESHAPE = 22


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each such pair."""
    trace = Trace(graph)
    places = []
    for back in graph.operators:
        there = trace.maker(back.input(0), "RESHAPE") if back.name == "RESHAPE" else None
        first = None if there is None else there.input(0)
        if there is None or first is None or len(there.outputs[0].shape) <= MOST_DIMENSIONS:
            continue
        if first.shape == back.outputs[0].shape and first.dtype == back.outputs[0].dtype:
            places.append(Place((there.index, back.index), (first.index,), (back.outputs[0].index,)))
    return tuple(places)


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Replace each pair by one RESHAPE to the same shape, which keeps the values if the scales differ."""
    from ai_edge_litert import schema_py_generated as schema

    rewrite = Rewrite(model.data)
    for place in places:
        shape = np.array(rewrite.subgraph.tensors[place.outputs[0]].shape, np.int32)
        sizes = rewrite.edit.constant(f"detour_{place.operators[1]}_shape", shape)
        made = rewrite.operator(RESHAPE, [place.inputs[0], sizes], list(place.outputs))
        made.builtinOptionsType, made.builtinOptions = schema.BuiltinOptions.ReshapeOptions, schema.ReshapeOptionsT()
        made.builtinOptions.newShape = shape
        rewrite.replace(place.operators[1], [made])
    return FixInput(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="a RESHAPE to over 4 dimensions and back to one that stays within 4",
    why="the Edge TPU maps up to 4 dimensions: AutoML's detectors reshape to 6 and back before each upsampling",
    fidelity="exact",
    find=find,
    apply=apply,
)
