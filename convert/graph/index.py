"""An index of a frozen TensorFlow graph: nodes by name, and the nodes that read each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError


def node_of(tensor: str) -> str:
    """Return the name of the node that produces *tensor* (`a/b:1`, `a/b` or the control input `^a/b`)."""
    return tensor.lstrip("^").split(":")[0]


def tensor_of(reference: str) -> str:
    """Return *reference* with its output number: `a/b:0` for `a/b`."""
    return reference if ":" in reference else f"{reference}:0"


class GraphIndex:
    """Lookups in a `GraphDef`, which is not changed.

    Attributes:
        graph_def: the `tensorflow.GraphDef`.
        nodes: its nodes by name.
    """

    def __init__(self, graph_def: Any) -> None:
        self.graph_def = graph_def
        self.nodes: dict[str, Any] = {node.name: node for node in graph_def.node}
        self._consumers: dict[str, list[Any]] = {}
        for node in graph_def.node:
            for source in self.inputs(node):
                self._consumers.setdefault(node_of(source), []).append(node)

    @staticmethod
    def inputs(node: Any) -> list[str]:
        """Return the data inputs of *node*, without control inputs."""
        return [source for source in node.input if not source.startswith("^")]

    def input(self, node: Any, index: int) -> str:
        """Return data input *index* of *node*.

        Raises:
            InputError: it has fewer.
        """
        inputs = self.inputs(node)
        if index >= len(inputs):
            raise InputError(f"the graph is damaged: {node.name}, a {node.op}, has {counted(len(inputs), 'input')}")
        return inputs[index]

    def source(self, node: Any, index: int) -> Any | None:
        """Return the node that feeds input *index* of *node*, or None."""
        inputs = self.inputs(node)
        return self.nodes.get(node_of(inputs[index])) if index < len(inputs) else None

    def constant(self, node: Any, index: int) -> Any | None:
        """Return the `Const` that feeds input *index* of *node*, directly or through identities, or None."""
        source = self.source(node, index)
        while source is not None and source.op == "Identity":
            source = self.source(source, 0)
        return source if source is not None and source.op == "Const" else None

    def consumers(self, name: str) -> list[Any]:
        """Return the nodes that read an output of the node *name*."""
        return self._consumers.get(name, [])

    def find(self, accept: Callable[[Any], bool]) -> list[Any]:
        """Return the nodes for which *accept* is true, in file order."""
        return [node for node in self.graph_def.node if accept(node)]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return *names* and every node that feeds them, directly or indirectly."""
        return set(self.walk_back(names, lambda _node: True))

    def walk_back(self, names: Iterable[str], enter: Callable[[Any], bool]) -> Iterator[str]:
        """Yield *names* and the nodes that feed them, nearest first, entering only nodes for which *enter* is true.

        Control inputs are followed too: the nodes that they name also run.
        """
        queue, seen = deque(names), set(names)
        while queue:
            name = queue.popleft()
            yield name
            node = self.nodes.get(name)
            if node is None or not enter(node):
                continue
            for source in map(node_of, node.input):
                if source not in seen:
                    seen.add(source)
                    queue.append(source)
