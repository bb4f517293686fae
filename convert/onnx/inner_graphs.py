"""The graphs inside the nodes of an ONNX graph: the bodies of Loops and Scans, the branches of Ifs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def inner_graphs(node: Any) -> Iterator[Any]:
    """Yield each `GraphProto` in the attributes of *node*, not those further inside."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of *graph*, each followed by the nodes inside it."""
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from all_nodes(inner)


def read_by(node: Any) -> Iterator[str]:
    """Yield the names that *node* reads, then those that the nodes and the outputs of its inner graphs read."""
    yield from node.input
    for inner in inner_graphs(node):
        for one in inner.node:
            yield from read_by(one)
        yield from (value.name for value in inner.output)
