"""Trim a graph to the nodes between its network input and its heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detlite.convert.graph.index import node_of, tensor_of
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError

INPUT = "detlite_image"


def trim(graph_def: Any, network_input: str, heads: Sequence[str], shape: Sequence[int]) -> Any:
    """Return a copy of *graph_def* that ends at *heads* and reads a float32 placeholder `INPUT` of *shape*.

    Args:
        graph_def: a frozen `GraphDef`.
        network_input: the tensor that the placeholder replaces.
        heads: the output tensors.
        shape: [1, height, width, 3].

    Raises:
        InputError: the heads depend on another placeholder, or the graph is damaged.
    """
    tf = load_tensorflow()
    whole = tf.compat.v1.GraphDef()
    whole.CopyFrom(graph_def)
    for node in whole.node:
        for i, source in enumerate(node.input):
            if not source.startswith("^") and tensor_of(source) == tensor_of(network_input):
                node.input[i] = INPUT
    with tf.Graph().as_default() as fresh:
        tf.compat.v1.placeholder(tf.float32, list(shape), INPUT)
        whole.node.extend(fresh.as_graph_def().node)
    _drop_control_inputs(whole)
    kept = prune(whole, heads)
    others = [node.name for node in kept.node if node.op == "Placeholder" and node.name != INPUT]
    if others:
        raise InputError(f"cannot cut the heads out: they depend on {others[0]} as well as on the image")
    return kept


def prune(graph_def: Any, heads: Sequence[str]) -> Any:
    """Return a copy of *graph_def* with only the nodes that the *heads* depend on.

    Raises:
        InputError: one of these nodes is missing.
    """
    tf = load_tensorflow()
    try:
        return tf.compat.v1.graph_util.extract_sub_graph(graph_def, [node_of(head) for head in heads])
    except (AssertionError, KeyError, ValueError) as error:
        raise InputError(f"the graph is damaged between its input and its heads: {error}") from error


def _drop_control_inputs(graph_def: Any) -> None:
    """Remove control edges: in a frozen graph they only order assertions and constants."""
    for node in graph_def.node:
        data = [source for source in node.input if not source.startswith("^")]
        if len(data) != len(node.input):
            del node.input[:]
            node.input.extend(data)
