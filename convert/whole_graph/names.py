"""An .onnx from tf2onnx in one order and with names that do not change from run to run.

tf2onnx keeps the name of one of several equal nodes and constants, which one by their addresses in memory.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from detlite.convert.onnx.inner_graphs import inner_graphs, read_by


def make_repeatable(model: Any) -> None:
    """Sort the nodes and the constants of the `ModelProto` *model* by its outputs, and name all values by operator.

    The names of its inputs and outputs stay. The same model gives the same bytes.
    """
    graph = model.graph
    names = _Names({info.name for infos in (graph.input, graph.output) for info in infos})
    _rename(graph, names)


class _Names:
    """New names by the old ones."""

    def __init__(self, kept: set[str]) -> None:
        self._new = {name: name for name in kept} | {"": ""}
        self._taken = set(kept)
        self._counts: Counter[str] = Counter()

    def of(self, name: str, like: str) -> str:
        """Return the new name of *name*; when it is met first, one like *like*."""
        if name not in self._new:
            self._new[name] = self.free(like)
        return self._new[name]

    def free(self, like: str) -> str:
        """Return *like* with the next number that is not taken, and take it."""
        found = like
        while found == like or found in self._taken:
            found = f"{like}_{self._counts[like]}"
            self._counts[like] += 1
        self._taken.add(found)
        return found


def _rename(graph: Any, names: _Names) -> None:
    _replace(graph.node, _sorted_nodes(graph))
    for node in graph.node:
        node.name = names.free(f"{node.op_type}_node")
        for place, name in enumerate(node.input):
            node.input[place] = names.of(name, "constant")  # all else has a name by now
        for inner in inner_graphs(node):
            _rename_inner(inner, names)
        for place, name in enumerate(node.output):
            node.output[place] = names.of(name, node.op_type)
    for one in graph.initializer:
        one.name = names.of(one.name, "constant")
    order = {name: number for number, name in enumerate(name for node in graph.node for name in read_by(node))}
    for side in (side for info in (*graph.input, *graph.output) for side in info.type.tensor_type.shape.dim):
        if side.dim_param:
            side.dim_param = names.of(side.dim_param, "side")
    _replace(graph.initializer, sorted(graph.initializer, key=lambda one: (order.get(one.name, len(order)), one.name)))
    del graph.value_info[:]  # they would need the new names, and every runtime infers them


def _rename_inner(graph: Any, names: _Names) -> None:
    """Rename a *graph* in a node, with its inputs and outputs."""
    for info in graph.input:
        info.name = names.of(info.name, "body_input")
    _rename(graph, names)
    for info in graph.output:
        info.name = names.of(info.name, "constant")
    graph.name = names.free("body")
    graph.ClearField("doc_string")  # it has a number of its own


def _sorted_nodes(graph: Any) -> list[Any]:
    """Return the nodes that the outputs of *graph* need: each after those it reads, in the order of its inputs."""
    makers = {name: node for node in graph.node for name in node.output}
    done: dict[str, Any] = {}
    waiting = [info.name for info in reversed(graph.output)]
    while waiting:
        node = makers.get(waiting[-1])
        missing = [] if node is None else [name for name in read_by(node) if name in makers and name not in done]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if node is not None:
            done.update(dict.fromkeys(node.output, node))
    return list({id(node): node for node in done.values()}.values())


def _replace(stored: Any, wanted: list[Any]) -> None:
    copies = [type(one).FromString(one.SerializeToString()) for one in wanted]
    del stored[:]
    stored.extend(copies)
