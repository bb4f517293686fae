"""Grouped convolutions, which make the compiler refuse the whole file."""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.convert.targets.edgetpu.conditions import grouped
from detlite.convert.targets.edgetpu.fix import Fix, FixInput, Place
from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, Graph, GraphOperator
from detlite.convert.targets.edgetpu.rewrite import Rewrite
from detlite.convert.targets.edgetpu.versions import NEWEST
from detlite.convert.tflite.tensors import constant_of, name_of

CONV_2D, SPLIT, CONCATENATION = 3, 49, 2
CONV_VERSION, SPLIT_VERSION, CONCATENATION_VERSION = 3, 2, 2  # the first that support int8 per channel
DEPTH = 3  # the axis of [1, H, W, C]


def find(graph: Graph) -> tuple[Place, ...]:
    """Return each convolution whose filter depth is a proper divisor of its input's."""
    return tuple(
        Place((op.index,), (op.inputs[0].index,), (op.outputs[0].index,))
        for op in graph.operators
        if op.name == "CONV_2D" and op.inputs[0] is not None and grouped(op) and _divides(op)
    )


def _divides(op: GraphOperator) -> bool:
    image, weights, bias = op.input(0), op.input(1), op.input(2)
    if image is None or weights is None or not weights.is_constant or len(weights.shape) != 4:
        return False
    if (
        not image.shape
        or image.dtype not in EIGHT_BIT
        or (bias is not None and not bias.is_constant)
        or 0 in weights.shape
    ):
        return False
    groups = image.shape[-1] // weights.shape[3]
    return groups > 1 and image.shape[-1] % weights.shape[3] == 0 and weights.shape[0] % groups == 0


def apply(model: FixInput, places: tuple[Place, ...]) -> FixInput:
    """Replace each by a SPLIT, one convolution per group, and a CONCATENATION."""
    rewrite = Rewrite(model.data)
    for place in places:
        rewrite.replace(place.operators[0], _split(rewrite, place))
    for code in rewrite.model.operatorCodes:
        if code.builtinCode == CONV_2D:  # some writers give every convolution the newest version
            code.version = min(code.version, NEWEST["CONV_2D"])
    return FixInput(rewrite.data(), model.contract)


def _split(rewrite: Rewrite, place: Place) -> list[Any]:
    from ai_edge_litert import schema_py_generated as schema

    old = rewrite.operators[place.operators[0]]
    tensors = rewrite.subgraph.tensors
    image, whole = tensors[old.inputs[0]], tensors[old.outputs[0]]
    groups = int(image.shape[3] // tensors[old.inputs[1]].shape[3])
    parts = [_part(rewrite, old.inputs[0], groups, i, "in") for i in range(groups)]
    results = [_part(rewrite, old.outputs[0], groups, i, "out") for i in range(groups)]
    axis = rewrite.edit.constant(f"{name_of(whole)}_axis", np.array(DEPTH, np.int32))
    split = rewrite.operator(SPLIT, [axis, old.inputs[0]], parts, version=SPLIT_VERSION)
    split.builtinOptionsType, split.builtinOptions = schema.BuiltinOptions.SplitOptions, schema.SplitOptionsT()
    split.builtinOptions.numSplits = groups
    made = [split]
    for number, (part, result) in enumerate(zip(parts, results, strict=True)):
        weights = [_slice(rewrite, index, groups, number) for index in old.inputs[1:] if index >= 0]
        made.append(rewrite.operator(CONV_2D, [part, *weights], [result], version=CONV_VERSION))
        made[-1].builtinOptionsType, made[-1].builtinOptions = old.builtinOptionsType, old.builtinOptions
    made.append(rewrite.operator(CONCATENATION, results, list(old.outputs), version=CONCATENATION_VERSION))
    made[-1].builtinOptionsType = schema.BuiltinOptions.ConcatenationOptions
    made[-1].builtinOptions = schema.ConcatenationOptionsT()
    made[-1].builtinOptions.axis = DEPTH
    return made


def _part(rewrite: Rewrite, index: int, groups: int, number: int, side: str) -> int:
    """Return a new tensor for one group of the channels of tensor *index*, with the same quantization."""
    tensor = rewrite.subgraph.tensors[index]
    shape = tuple(int(side) for side in tensor.shape)
    made = rewrite.edit.tensor(f"{name_of(tensor)}_{side}_{number}", (*shape[:3], shape[3] // groups))
    rewrite.subgraph.tensors[made].type = tensor.type
    rewrite.subgraph.tensors[made].quantization = tensor.quantization
    return made


def _slice(rewrite: Rewrite, index: int, groups: int, number: int) -> int:
    """Return a constant with one group of the outputs of the constant *index*, and its scales."""
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    tensor = rewrite.subgraph.tensors[index]
    values = np.split(constant_of(rewrite.model, tensor), groups)[number]
    made = rewrite.edit.constant(f"{name_of(tensor)}_{number}", values)
    old, new = tensor.quantization, QuantizationParametersT()
    if old is not None and old.scale is not None:
        per_channel = len(old.scale) > 1
        new.quantizedDimension = old.quantizedDimension
        new.scale = np.split(np.asarray(old.scale), groups)[number] if per_channel else old.scale
        new.zeroPoint = np.split(np.asarray(old.zeroPoint), groups)[number] if per_channel else old.zeroPoint
        rewrite.subgraph.tensors[made].quantization = new
    return made


PLUGIN = Fix(
    title="a grouped convolution to one convolution per group",
    why="a grouped CONV_2D has version 6, and the compiler 16 reads up to 5: it refuses the whole file",
    fidelity="rounding",
    find=find,
    apply=apply,
)
