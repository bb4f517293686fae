"""A graph of quantization-aware training made fit for int8 arithmetic: every tensor on a grid that int8 can hold.

The rewritten graph of `contrib.quantize` (TensorFlow 1.15) was meant for uint8 with a zero point for weights. int8
operators have none for weights, and scale each output channel apart (TFLite 8-bit quantization specification). And it
leaves tensors without a range: the image, sums before a ReLU6, heads of several maps put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.graph.trained_ranges import grid_of
from detlite.convert.graph.trim import INPUT, prune
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

FAKE_QUANT = "FakeQuantWithMinMaxVars"
INSERTED = "FakeQuantWithMinMaxArgs"
DEPTHWISE = "DepthwiseConv2dNative"
SAME_RANGE = ("Identity", "Reshape", "Slice", "Pad", "MaxPool", "AvgPool", "ResizeNearestNeighbor")
ROUNDED = ("Placeholder", "Relu", "Relu6", "Add", "AddV2", "Mul", "ConcatV2", "Minimum", "Maximum")
RELUS = ("Relu", "Relu6")
HIGHEST = 127
"""Of int8 weights, whose lowest value is -127."""

IMAGE = (-1.0, 127 / 128)
"""Of the image: pixels p of 0..255 as (p - 128) / 128, which int8 holds without an error."""

Range = tuple[float, float]


def fit_for_int8(graph_def: Any, heads: Sequence[str]) -> Any:
    """Return a copy of *graph_def* whose weights are symmetric, each channel apart, and whose every sum has a range.

    Weights keep their trained grid; only in channels that have more than 127 of its steps on one side is it widened.

    Raises:
        InputError: there is no fake quantization in the graph.
    """
    tf = load_tensorflow()
    completed = _with_all_ranges(graph_def)
    index = GraphIndex(completed)
    kernels = index.find(lambda node: node.op == FAKE_QUANT and node.attr["narrow_range"].b)
    if not kernels:
        raise InputError("the graph holds no trained ranges: it cannot become int8 without images")
    with tf.Graph().as_default() as graph:
        fitted = {f"{node.name}:0": _symmetric(index, node) for node in kernels}
        tf.compat.v1.import_graph_def(completed, input_map=fitted, name="")
    return prune(graph.as_graph_def(), heads)


def _symmetric(index: GraphIndex, node: Any) -> Any:
    """Return a tensor with the weights of the fake quantization *node*, each output channel on a symmetric grid."""
    tf = load_tensorflow()
    weights = _constant(index, node, 0)
    steps, scale = _steps(weights, _bounds(index, node))
    depthwise = index.consumers(node.name)[0].op == DEPTHWISE
    if depthwise:  # its output channels are the last two axes; the converter knows this reshape
        steps = steps.reshape(*steps.shape[:2], 1, -1)
    bound = np.float32(scale) * _bound_in_steps(steps.reshape(-1, steps.shape[-1]))
    fitted = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        steps * np.float32(scale), -bound, bound, num_bits=8, narrow_range=True
    )
    return tf.reshape(fitted, weights.shape) if depthwise else fitted


def _bound_in_steps(steps: Floats) -> Floats:
    """Return for each channel (column) how many *steps* its highest int8 weight is: 127, where that holds them all.

    Where it does not, the bound with the least squared error: clipping the few that are beyond, or rounding all.
    """
    most: Floats = np.maximum(np.abs(steps).max(0), np.float32(HIGHEST))
    for column in np.flatnonzero(most > HIGHEST):
        channel, bounds = steps[:, column], np.arange(HIGHEST, most[column] + 1, dtype=np.float32)
        widths = bounds[:, None] / HIGHEST
        held = np.clip(np.rint(channel / widths), -HIGHEST, HIGHEST) * widths
        most[column] = bounds[np.argmin(((held - channel) ** 2).sum(1))]
    return most


def _steps(weights: Floats, bounds: Range) -> tuple[Floats, float]:
    """Return *weights* in steps of their trained grid, as the operator rounds them, and how long a step is."""
    grid = grid_of(*bounds, narrow=True)
    shifted = np.clip(weights, grid.low, grid.high) - np.float32(grid.low)
    numbers = np.floor(shifted * (np.float32(1) / np.float32(grid.scale)) + np.float32(0.5))
    return numbers + np.float32(grid.lowest - grid.zero), grid.scale


def _with_all_ranges(graph_def: Any) -> Any:
    """Return a copy where every tensor that an operator computes in 8 bits is rounded to a range."""
    whole = type(graph_def)()
    whole.CopyFrom(graph_def)
    index = GraphIndex(whole)
    found = {node.name: _missing_range(index, node) for node in whole.node if node.op in ROUNDED}
    for name, bounds in found.items():
        if bounds is not None:
            _insert(whole, index, name, bounds)
    return whole


def _missing_range(index: GraphIndex, node: Any) -> Range | None:
    """Return the range of *node* where it needs one of its own and has none, as far as its inputs tell."""
    readers = index.consumers(node.name)
    if any(reader.op == FAKE_QUANT for reader in readers) or (readers and all(r.op in RELUS for r in readers)):
        return None
    if node.op == "ConcatV2":
        parts = {range_at(index, part) for part in index.inputs(node)[:-1]}
        return range_at(index, node.name) if len(parts) > 1 else None
    return range_at(index, node.name)


def range_at(index: GraphIndex, name: str) -> Range | None:
    """Return between what values the tensor *name* is, by the ranges before it; None where they do not tell."""
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
        return range_at(index, index.inputs(node)[0])
    return _computed(node.op, [range_at(index, source) for source in index.inputs(node)])


def _computed(op: str, inputs: Sequence[Range | None]) -> Range | None:
    """Return the range of what *op* makes of *inputs* (interval arithmetic)."""
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


def _insert(whole: Any, index: GraphIndex, name: str, bounds: Range) -> None:
    """Let all that reads the node *name* read it rounded to *bounds*, widened to hold 0."""
    rounded = f"{name}/range"
    for reader in index.consumers(name):
        for place, source in enumerate(reader.input):
            if source in (name, f"{name}:0"):
                reader.input[place] = rounded
    node = whole.node.add(name=rounded, op=INSERTED, input=[name])
    node.attr["min"].f, node.attr["max"].f = min(bounds[0], 0.0), max(bounds[1], 0.0)
    node.attr["num_bits"].i, node.attr["narrow_range"].b = 8, False


def _bounds(index: GraphIndex, node: Any) -> Range:
    return float(_constant(index, node, 1)), float(_constant(index, node, 2))


def _constant(index: GraphIndex, node: Any, place: int) -> Floats:
    source = index.constant(node, place)
    if source is None:
        raise InputError(f"the fake quantization {node.name} is not of constants: want a graph with its weights inside")
    return _constant_of(source)


def _constant_of(node: Any) -> Floats:
    values: Floats = load_tensorflow().make_ndarray(node.attr["value"].tensor)
    return values
