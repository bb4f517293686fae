"""Facts of any frozen TensorFlow graph, whether or not detlite knows what it does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.tensorflow import load_tensorflow

NO_OPERATORS = ("Const", "Placeholder", "PlaceholderWithDefault", "NoOp")
INPUTS = ("Placeholder", "PlaceholderWithDefault")

Tensor = tuple[str, str, tuple[int, ...] | None]


def describe_graph(graph_def: Any) -> dict[str, Any]:
    """Return the facts of *graph_def*, a `tensorflow.GraphDef` without variables.

    Returns:
        `inputs` and `outputs` (name, dtype and shape of each, a side that is open being -1, and None for a shape
        that TensorFlow cannot tell), `operators` (their number), `operator_names` (their number by type),
        `parameter_bytes`, and `nodes`. A node that others only wait for is no output: loops and branches have such.
    """
    index = GraphIndex(graph_def)
    operators = Counter(node.op for node in graph_def.node if node.op not in NO_OPERATORS)
    awaited = {node_of(source) for node in graph_def.node for source in node.input if source.startswith("^")}
    ends = [
        node.name
        for node in graph_def.node
        if not index.consumers(node.name) and node.name not in awaited and node.op not in NO_OPERATORS
    ]
    return {
        "inputs": [_input(node) for node in graph_def.node if node.op in INPUTS],
        "outputs": _outputs(graph_def, ends),
        "operators": sum(operators.values()),
        "operator_names": dict(sorted(operators.items())),
        "parameter_bytes": sum(_bytes(node) for node in graph_def.node if node.op == "Const"),
        "nodes": len(graph_def.node),
    }


def _input(node: Any) -> Tensor:
    shape = node.attr["shape"].shape
    sides = None if shape.unknown_rank else tuple(int(side.size) for side in shape.dim)
    return node.name, _dtype(node.attr["dtype"].type), sides


def _bytes(node: Any) -> int:
    tf = load_tensorflow()
    tensor = node.attr["value"].tensor
    count = 1
    for side in tensor.tensor_shape.dim:
        count *= int(side.size)
    return count * int(tf.as_dtype(tensor.dtype).size)


def _dtype(number: int) -> str:
    return str(load_tensorflow().as_dtype(number).name)


def _outputs(graph_def: Any, names: list[str]) -> list[Tensor]:
    """Return the tensors of the nodes *names*, which nobody reads, with what TensorFlow infers of them."""
    tf = load_tensorflow()
    graph = tf.Graph()
    try:
        with graph.as_default():
            tf.import_graph_def(graph_def, name="")
    except (ValueError, KeyError, TypeError, tf.errors.OpError):  # an operator that TensorFlow does not know
        return [(name, "unknown", None) for name in names]
    return [_tensor(tensor) for name in names for tensor in graph.get_operation_by_name(name).outputs]


def _tensor(tensor: Any) -> Tensor:
    shape = tensor.shape
    sides = None if shape.rank is None else tuple(-1 if side is None else int(side) for side in shape.as_list())
    return str(tensor.name).removesuffix(":0"), str(tensor.dtype.base_dtype.name), sides
