"""Run parts of a frozen graph, to measure what it computes instead of guessing from the names of its constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.cut import OP
from detlite.convert.graph.index import GraphIndex, node_of
from detlite.convert.tensorflow import REFUSALS, first_line, load_tensorflow
from detlite.runtime.errors import InputError

CALLS = ("While", "If", "Case", "PartitionedCall", "StatefulPartitionedCall")
HARMLESS = ("Placeholder", "PlaceholderWithDefault", "Assert", "TensorArray", "TensorList", *CALLS)
"""Prefixes of the names of stateful operators that have no effect outside the graph."""


class GraphRunner:
    """An imported graph in its own session."""

    def __init__(self, index: GraphIndex, session: Any) -> None:
        self._index = index
        self._session = session

    def run(self, fetches: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the value of each tensor in *fetches*, given the values in *feeds*.

        Raises:
            InputError: the graph cannot compute them, or would have side effects such as file access.
        """
        from tensorflow import errors

        self._refuse_side_effects(fetches, feeds)
        try:
            values: list[NDArray[Any]] = self._session.run(list(fetches), dict(feeds))
        except (errors.OpError, *REFUSALS) as error:
            text = first_line(error)
            raise InputError(f"the graph cannot compute {', '.join(fetches)}: {text}") from error
        return values

    def static_shape(self, tensor: str) -> tuple[int | None, ...] | None:
        """Return the static shape of *tensor*: None for an unknown dimension, or for all if the rank is unknown.

        Raises:
            InputError: the graph has no such tensor.
        """
        try:
            shape = self._session.graph.get_tensor_by_name(tensor).shape
        except (KeyError, ValueError) as error:
            raise InputError(f"the graph has no tensor {tensor}: {str(error)[:200]}") from error
        return None if shape.rank is None else tuple(shape.as_list())

    def _refuse_side_effects(self, fetches: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> None:
        fed = {node_of(tensor) for tensor in feeds}
        walked = self._index.walk_back([node_of(f) for f in fetches], lambda node: node.name not in fed)
        functions = self._index.graph_def.library.function  # the graph may call any of them
        nodes = [self._index.nodes[name] for name in walked if name in self._index.nodes]
        for node in (*nodes, *(inner for function in functions for inner in function.node_def)):
            if _has_side_effects(node.op):
                raise InputError(
                    f"the graph is not run: its node {node.name} is a {node.op}, which has side effects; want a frozen "
                    "inference graph"
                )


def _has_side_effects(op: str) -> bool:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(op)
    return definition is not None and definition.is_stateful and not op.startswith(HARMLESS)


@contextmanager
def running(index: GraphIndex) -> Iterator[GraphRunner]:
    """Import the graph in *index* and yield its `GraphRunner`.

    Raises:
        InputError: TensorFlow rejects the graph.
    """
    tf = load_tensorflow()
    graph = tf.Graph()
    with graph.as_default():
        import_graph(_without_tflite_ops(index.graph_def))
    with tf.compat.v1.Session(graph=graph) as session:
        yield GraphRunner(index, session)


def _without_tflite_ops(graph_def: Any) -> Any:
    """Return the graph without the TFLite post-processing operator, which TensorFlow does not have."""
    if not any(node.op == OP for node in graph_def.node):
        return graph_def
    kept = type(graph_def)()
    kept.CopyFrom(graph_def)
    del kept.node[:]
    kept.node.extend(node for node in graph_def.node if node.op != OP)
    return kept


def import_graph(graph_def: Any) -> None:
    """Import *graph_def* into the current graph with unchanged names.

    Raises:
        InputError: TensorFlow rejects the graph.
    """
    tf = load_tensorflow()
    try:
        tf.compat.v1.import_graph_def(graph_def, name="")
    except (tf.errors.OpError, *REFUSALS) as error:
        text = first_line(error)
        raise InputError(f"TensorFlow rejects the graph: {text}") from error


def constant_image(height: int, width: int, colour: Sequence[float]) -> NDArray[np.uint8]:
    """Return a uint8 [1, height, width, 3] image of one RGB *colour*, 0..255."""
    image = np.empty((1, height, width, 3), np.uint8)
    image[:] = np.asarray(colour, np.uint8)
    return image
