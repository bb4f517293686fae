"""Prepare a quantization-aware training graph for int8 arithmetic: put every tensor on a grid that int8 can represent.

`contrib.quantize` (TensorFlow 1.15) targets uint8, where weights have a zero point. int8 weights have none, and each
output channel has its own scale (TFLite 8-bit quantization specification). `contrib.quantize` also leaves some tensors
without a range: the image, sums before a ReLU6, and concatenated heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.graph.trained_ranges import Grid, grid_of
from detlite.convert.graph.trim import INPUT, prune
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

FAKE_QUANT = "FakeQuantWithMinMaxVars"
PER_CHANNEL = f"{FAKE_QUANT}PerChannel"
INSERTED = "FakeQuantWithMinMaxArgs"
DEPTHWISE = "DepthwiseConv2dNative"
SAME_RANGE = ("Identity", "Reshape", "Squeeze", "Slice", "Pad", "MaxPool", "AvgPool", "ResizeNearestNeighbor")
ROUNDED = ("Placeholder", "Relu", "Relu6", "Add", "AddV2", "Mul", "ConcatV2", "Minimum", "Maximum")
RELUS = ("Relu", "Relu6")
HIGHEST = 127
"""The largest int8 weight; the smallest is -127."""

IMAGE = (-1.0, 127 / 128)
"""The range of the image: (p - 128) / 128 for pixels p of 0..255, which int8 represents exactly."""

Bounds = tuple[float, float]
"""(low, high) of a tensor."""


def fit_for_int8(graph_def: Any, heads: Sequence[str]) -> Any:
    """Return a copy of *graph_def* with symmetric per-channel weights, and a range for every tensor that needs one.

    Weights keep their trained grid. Only a channel with weights more than 127 steps from 0 gets a wider grid. Weights
    that have a grid for each channel already are left alone.

    Args:
        graph_def: a trained `GraphDef` with fake quantization.
        heads: the outputs to keep.

    Raises:
        InputError: the graph has no fake quantization.
    """
    tf = load_tensorflow()
    completed = _add_missing_ranges(graph_def)
    index = GraphIndex(completed)
    kernels = index.find(lambda node: node.op == FAKE_QUANT and index.constant(node, 0) is not None)
    if not kernels and not index.find(lambda node: node.op == PER_CHANNEL):
        raise InputError("the graph has no trained ranges; quantize it with calibration images instead")
    with tf.Graph().as_default() as graph:
        fitted = {f"{node.name}:0": _symmetric(index, node) for node in kernels}
        tf.compat.v1.import_graph_def(completed, input_map=fitted, name="")
    return prune(graph.as_graph_def(), heads)


def _symmetric(index: GraphIndex, node: Any) -> Any:
    """Return a tensor with the weights of the fake quantization *node*, on a symmetric grid per output channel."""
    tf = load_tensorflow()
    weights = _constant(index, node, 0)
    steps, scale = _steps(weights, grid_of(*_bounds(index, node), narrow=node.attr["narrow_range"].b))
    depthwise = index.consumers(node.name)[0].op == DEPTHWISE
    if depthwise:  # its output channels are the last two axes; the converter knows this reshape
        steps = steps.reshape(*steps.shape[:2], 1, -1)
    bound = np.float32(scale) * _bound_in_steps(steps.reshape(-1, steps.shape[-1]))
    fitted = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        steps * np.float32(scale), -bound, bound, num_bits=8, narrow_range=True
    )
    return tf.reshape(fitted, weights.shape) if depthwise else fitted


def _bound_in_steps(steps: Floats) -> Floats:
    """Return the number of steps that the largest int8 weight of each channel stands for.

    127 if that covers the channel; otherwise the bound with the least squared error, which trades clipping the
    outliers against coarser rounding.

    Args:
        steps: float32 (weights, channels), in steps of the trained grid.
    """
    most: Floats = np.maximum(np.abs(steps).max(0), np.float32(HIGHEST))
    for column in np.flatnonzero(most > HIGHEST):
        channel, bounds = steps[:, column], np.arange(HIGHEST, most[column] + 1, dtype=np.float32)
        widths = bounds[:, None] / HIGHEST
        held = np.clip(np.rint(channel / widths), -HIGHEST, HIGHEST) * widths
        most[column] = bounds[np.argmin(((held - channel) ** 2).sum(1))]
    return most


def _steps(weights: Floats, grid: Grid) -> tuple[Floats, float]:
    """Return *weights* in steps of their trained *grid*, rounded as the operator does, and the size of a step."""
    shifted = np.clip(weights, grid.low, grid.high) - np.float32(grid.low)
    numbers = np.floor(shifted * (np.float32(1) / np.float32(grid.scale)) + np.float32(0.5))
    return numbers + np.float32(grid.lowest - grid.zero), grid.scale


def _add_missing_ranges(graph_def: Any) -> Any:
    """Return a copy of *graph_def* in which every tensor that is computed in 8 bits has a range."""
    whole = type(graph_def)()
    whole.CopyFrom(graph_def)
    index = GraphIndex(whole)
    found = {node.name: _missing_range(index, node) for node in whole.node if node.op in ROUNDED}
    for name, bounds in found.items():
        if bounds is not None:
            _insert(whole, index, name, bounds)
    return whole


def _missing_range(index: GraphIndex, node: Any) -> Bounds | None:
    """Return the range that *node* needs but does not have; None if it needs none or its inputs do not tell."""
    readers = index.consumers(node.name)
    if any(reader.op == FAKE_QUANT for reader in readers) or (readers and all(r.op in RELUS for r in readers)):
        return None
    if node.op == "ConcatV2":
        parts = {range_at(index, part) for part in index.inputs(node)[:-1]}
        return range_at(index, node.name) if len(parts) > 1 else None
    return range_at(index, node.name)


def range_at(index: GraphIndex, name: str) -> Bounds | None:
    """Return (low, high) of the tensor *name*, derived from the ranges before it; None if they do not tell."""
    node = index.nodes[node_of(name)]
    if node.op == "Placeholder":
        return IMAGE if node.name == INPUT else None
    if node.op == FAKE_QUANT:
        grid = grid_of(*_bounds(index, node))
        return grid.low, grid.high
    if node.op == "Const":
        values = _constant_of(node)
        return float(values.min()), float(values.max())
    if node.op in SAME_RANGE:
        return range_at(index, index.input(node, 0))
    return _computed(node.op, [range_at(index, source) for source in index.inputs(node)])


def _computed(op: str, inputs: Sequence[Bounds | None]) -> Bounds | None:
    """Return the range of the output of *op* for *inputs* (interval arithmetic)."""
    if op == "Relu6":
        return 0.0, 6.0
    if op == "ConcatV2":
        inputs = inputs[:-1]  # the last is the axis
    known = [bounds for bounds in inputs if bounds is not None]
    if len(known) < len(inputs):
        return None
    lows, highs = [low for low, _ in known], [high for _, high in known]
    if op in ("Add", "AddV2"):
        return sum(lows), sum(highs)
    if op == "Mul":
        products = [one * other for one in known[0] for other in known[1]]
        return min(products), max(products)
    if op in ("Maximum", "Relu"):
        return max(*lows, 0.0) if op == "Relu" else max(lows), max(highs)
    if op == "Minimum":
        return min(lows), min(highs)
    return (min(lows), max(highs)) if op == "ConcatV2" else None


def _insert(whole: Any, index: GraphIndex, name: str, bounds: Bounds) -> None:
    """Insert a fake quantization to *bounds*, widened to include 0, between the node *name* and its consumers."""
    rounded = f"{name}/range"
    for reader in index.consumers(name):
        for place, source in enumerate(reader.input):
            if source in (name, f"{name}:0"):
                reader.input[place] = rounded
    node = whole.node.add(name=rounded, op=INSERTED, input=[name])
    node.attr["min"].f, node.attr["max"].f = min(bounds[0], 0.0), max(bounds[1], 0.0)
    node.attr["num_bits"].i, node.attr["narrow_range"].b = 8, False


def _bounds(index: GraphIndex, node: Any) -> Bounds:
    return float(_constant(index, node, 1)), float(_constant(index, node, 2))


def _constant(index: GraphIndex, node: Any, place: int) -> Floats:
    source = index.constant(node, place)
    if source is None:
        raise InputError(f"the fake quantization {node.name} does not read constants; want a frozen graph")
    return _constant_of(source)


def _constant_of(node: Any) -> Floats:
    values: Floats = load_tensorflow().make_ndarray(node.attr["value"].tensor)
    return values
