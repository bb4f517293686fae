"""From a float detector to the same one for int8, where its graph keeps trained ranges as `FakeQuantWithMinMaxVars`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.fake_quant import FAKE_QUANT
from detlite.convert.graph.fold import folded
from detlite.convert.graph.index import GraphIndex
from detlite.convert.graph.trained_ranges import QAT_MEAN, QAT_STD
from detlite.convert.graph.trim import INPUT, prune
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError

TRAINED_MEAN, TRAINED_STD = 127.5, 127.5
"""How such detectors normalize images in training; in int8 it is `QAT_MEAN` and `QAT_STD`, as in the zoo's archives."""

BITS = 8
PER_CHANNEL = f"{FAKE_QUANT}PerChannel"
INSTEAD = "convert its checkpoint as float32, and use `detlite quantize` with images"
"""`detlite quantize` refuses what becomes of the ranges in a float32 file of the graph itself."""


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
