"""Upsampling by PACK or TILE, through tensors of 5 and 6 dimensions, where one resize does the same."""

from __future__ import annotations

import numpy as np

from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph, GraphOperator, GraphTensor
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.trace import Trace

RESIZE, RESIZE_VERSION = 97, 2  # RESIZE_NEAREST_NEIGHBOR, and its first version that supports int8
ROWS, COLUMNS = 2, 3  # the axes along which columns, then rows, are doubled


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each RESHAPE of a tensor that PACK or TILE repeated along columns and rows."""
    trace = Trace(graph)
    places = (_place(trace, op) for op in graph.operators if op.name == "RESHAPE")
    return tuple(place for place in places if place is not None)


def _place(trace: Trace, last: GraphOperator) -> Place | None:
    wide, chain = last.inputs[0], [last]
    if wide is None or len(wide.shape) != 6:
        return None
    image = _packed(trace, wide, chain) or _tiled(trace, wide, chain)
    if image is None or not _is_upsampling(image, last.outputs[0], wide):
        return None
    return Place(tuple(sorted(op.index for op in chain)), (image.index,), (last.outputs[0].index,))


def _packed(trace: Trace, wide: GraphTensor, chain: list[GraphOperator]) -> GraphTensor | None:
    tensor: GraphTensor | None = wide
    for axis in (ROWS, COLUMNS):
        op = trace.maker(tensor, "PACK")
        if op is None or op.option("axis") != axis or len({id(item) for item in op.inputs}) != 1:
            return None
        chain.append(op)
        tensor = op.inputs[0]
    return tensor


def _tiled(trace: Trace, wide: GraphTensor, chain: list[GraphOperator]) -> GraphTensor | None:
    """Return the tensor that is reshaped to [1, H, 1, W, 1, C] and tiled along the two new axes."""
    tile = trace.maker(wide, "TILE")
    if tile is None or tile.numbers(1) is None:
        return None
    spread = trace.maker(tile.inputs[0], "RESHAPE")
    factors = tile.numbers(1) or ()
    if spread is None or [factors[i] for i in (0, 1, 3, 5)] != [1, 1, 1, 1]:
        return None
    chain += [tile, spread]
    return spread.inputs[0]


def _is_upsampling(image: GraphTensor, made: GraphTensor, wide: GraphTensor) -> bool:
    """Whether [1, H, W, C] becomes [1, H f, W g, C] by way of [1, H, f, W, g, C], in the same 8-bit numbers."""
    if len(image.shape) != 4 or image.dtype not in EIGHT_BIT or image.dtype != made.dtype:
        return False
    batch, height, width, depth = image.shape
    _batch, _height, rows, _width, columns, _depth = wide.shape
    same_numbers = image.scales == made.scales and image.zero_points == made.zero_points
    return (
        same_numbers
        and wide.shape == (batch, height, rows, width, columns, depth)
        and made.shape == (batch, height * rows, width * columns, depth)
    )


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Replace each chain by one RESIZE_NEAREST_NEIGHBOR."""
    from ai_edge_litert import schema_py_generated as schema

    rewrite = Rewrite(model.data)
    for place in places:
        shape = rewrite.subgraph.tensors[place.outputs[0]].shape
        size = rewrite.edit.constant(f"upsampling_{place.operators[-1]}_size", np.array(shape[1:3], np.int32))
        made = rewrite.operator(RESIZE, [place.inputs[0], size], list(place.outputs), version=RESIZE_VERSION)
        made.builtinOptionsType = schema.BuiltinOptions.ResizeNearestNeighborOptions
        made.builtinOptions = schema.ResizeNearestNeighborOptionsT()
        rewrite.replace(place.operators[-1], [made])
    return FixInput(rewrite.data(), model.contract)


PLUGIN = Fix(
    title="upsampling by PACK, TILE and RESHAPE to RESIZE_NEAREST_NEIGHBOR",
    why="the Edge TPU maps up to 4 dimensions: feature pyramids of the OD API without native resize have 5 and 6 (TF2 "
    "SSD MobileNet V2 FPNLite 320: 111 of 157 operators map with them)",
    fidelity="exact",
    find=find,
    apply=apply,
)
