"""A detector whose graph keeps trained ranges as `FakeQuantWithMinMaxVars`: made ready for int8, or without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.fake_quant import FAKE_QUANT, INSERTED, PER_CHANNEL
from detlite.convert.graph.fold import folded
from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.graph.trained_ranges import QAT_MEAN, QAT_STD
from detlite.convert.graph.trim import INPUT, prune
from detlite.runtime.contract import Contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

TRAINED_MEAN, TRAINED_STD = 127.5, 127.5
"""How such detectors normalize images in training; in int8 it is `QAT_MEAN` and `QAT_STD`, as in the zoo's archives."""

BITS = 8
ROUNDING = (FAKE_QUANT, PER_CHANNEL, INSERTED)
"""Operators that round numbers to a range, and keep them floats."""

RANGES = "trained_ranges"
"""The key of a contract's origins that says what became of the ranges."""

INSTEAD = "convert it as float32, and use `detlite quantize` with images"


def ranged_graph(graph: FloatGraph, origin: str) -> FloatGraph:
    """Return *graph* ready for int8 by its trained ranges: constants folded, the image in steps of 1/128.

    Args:
        graph: a detector, cut and trimmed.
        origin: names it in errors.

    Raises:
        InputError: it has no trained ranges of 8 bits, some per channel, or another normalization than training with
            them uses.
    """
    ranges = [node for node in graph.graph_def.node if node.op == FAKE_QUANT]
    if not ranges:
        raise InputError(
            f"--type int8 needs a quantization-aware checkpoint, or a graph with {FAKE_QUANT} nodes, which {origin} "
            "does not have: convert it as float32, and use `detlite quantize` with images"
        )
    other = next((node for node in ranges if _bits(node) != BITS), None)
    if other is not None:
        raise InputError(f"{origin} has a range of {_bits(other)} bits, {other.name}; want 8: {INSTEAD}")
    several = next((node for node in graph.graph_def.node if node.op == PER_CHANNEL), None)
    if several is not None:
        raise InputError(f"{origin} has ranges per channel, {several.name}; want one for each tensor: {INSTEAD}")
    graph_def = prune(folded(graph.graph_def), graph.heads)
    return replace(graph, graph_def=graph_def, contract=_in_steps(graph.contract, graph_def, origin))


def unranged_graph(graph: FloatGraph) -> FloatGraph:
    """Return *graph* without the rounding of trained ranges, as its checkpoint gives it in float32.

    TFLite's converter would keep each as a QUANTIZE and a DEQUANTIZE, which take time and round as int8 does. The
    contract's origins say so; a graph without ranges is returned as it is.
    """
    rounding = {node.name: node.input[0] for node in graph.graph_def.node if node.op in ROUNDING}
    if not rounding:
        return graph
    made = type(graph.graph_def)()
    made.CopyFrom(graph.graph_def)
    for node in made.node:
        for place, source in enumerate(node.input):
            if not source.startswith("^"):
                node.input[place] = _unrounded(source, rounding)
    heads = {role: _unrounded(tensor, rounding) for role, tensor in graph.outputs.items()}
    left = counted(len(rounding), "trained range of the graph is", "trained ranges of the graph are")
    told = f"{left} left out: floats are not rounded; --type int8 keeps them"
    contract = replace(graph.contract, origin={**graph.contract.origin, RANGES: told})
    return replace(graph, graph_def=prune(made, tuple(heads.values())), outputs=heads, contract=contract)


def _unrounded(tensor: str, rounding: Mapping[str, str]) -> str:
    """Return the tensor before the *rounding* nodes that make *tensor*."""
    while node_of(tensor) in rounding:
        tensor = rounding[node_of(tensor)]
    return tensor


def _bits(node: Any) -> int:
    """Return the bits of a fake quantization; a file without default values of attributes leaves out 8."""
    return int(node.attr["num_bits"].i) if "num_bits" in node.attr else BITS


def _in_steps(contract: Contract, graph_def: Any, origin: str) -> Contract:
    """Return *contract* with the normalization of the int8 input: its own if the graph has a range for the image."""
    if any(node.op == FAKE_QUANT for node in GraphIndex(graph_def).consumers(INPUT)):
        return contract
    image = contract.image
    found, channels = (image.mean, image.std), len(image.mean)
    fitting = (((TRAINED_MEAN,) * channels, (TRAINED_STD,) * channels), ((QAT_MEAN,) * channels, (QAT_STD,) * channels))
    if found not in fitting:
        raise InputError(
            f"{origin} has no range for its image and normalizes it by mean {image.mean} and std {image.std}; want "
            f"{TRAINED_MEAN:g} and {TRAINED_STD:g}: {INSTEAD}"
        )
    told = f"mean {QAT_MEAN:.0f} and std {QAT_STD:.0f} of quantization-aware training, for {image.mean[0]:g} and "
    told += f"{image.std[0]:g}: {contract.origin.get('image', origin)}"
    exact = replace(image, mean=(QAT_MEAN,) * channels, std=(QAT_STD,) * channels)
    return replace(contract.with_image(exact), origin={**contract.origin, "image": told})
