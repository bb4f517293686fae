"""Fold constants: compute once what a graph computes from constants alone, such as weights scaled by a batch norm."""

from __future__ import annotations

from collections import deque
from typing import Any

from detlite.convert.graph.fake_quant import FAKE_QUANT
from detlite.convert.graph.index import GraphIndex, node_of, tensor_of
from detlite.convert.graph.runner import running
from detlite.convert.graph.trim import INPUT
from detlite.convert.tensorflow import load_tensorflow


def folded(graph_def: Any) -> Any:
    """Return a copy of *graph_def* in which nothing but fake quantization is computed from constants alone.

    Args:
        graph_def: a trimmed `GraphDef` with the placeholder `INPUT`; nodes that nothing reads any more are kept.

    Raises:
        InputError: TensorFlow cannot compute one of the constants.
    """
    tf = load_tensorflow()
    whole = type(graph_def)()
    whole.CopyFrom(graph_def)
    index = GraphIndex(whole)
    varying = _varying(index)
    readers = [node for node in whole.node if node.name in varying]
    fixed = list(dict.fromkeys(tensor for node in readers for tensor in _computed(index, node, varying)))
    if not fixed:
        return whole
    with running(index) as runner:
        values = runner.run(fixed, {})
    names = {tensor: f"{node_of(tensor)}/folded_{tensor.rpartition(':')[2]}" for tensor in fixed}
    for node in readers:
        for place, source in enumerate(node.input):
            node.input[place] = names.get(tensor_of(source), source)
    for tensor, value in zip(fixed, values, strict=True):
        node = whole.node.add(name=names[tensor], op="Const")
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return whole


def _varying(index: GraphIndex) -> set[str]:
    """Return the nodes that depend on the image or are fake quantized, and the fake quantizations."""
    queue = deque([INPUT, *(node.name for node in index.graph_def.node if node.op == FAKE_QUANT)])
    seen = set(queue)
    while queue:
        for reader in index.consumers(queue.popleft()):
            if reader.name not in seen:
                seen.add(reader.name)
                queue.append(reader.name)
    return seen


def _computed(index: GraphIndex, node: Any, varying: set[str]) -> list[str]:
    """Return the inputs of *node* that are not *varying* and no `Const` yet."""
    return [
        tensor_of(source)
        for place, source in enumerate(index.inputs(node))
        if node_of(source) not in varying and index.constant(node, place) is None
    ]
