"""The producers and consumers of tensors."""

from __future__ import annotations

from detlite.convert.targets.edgetpu.graph import Graph, GraphOperator, GraphTensor


class Trace:
    """The producers and consumers of a graph's tensors."""

    def __init__(self, graph: Graph) -> None:
        self._makers = {tensor.index: op for op in graph.operators for tensor in op.outputs}
        self._readers: dict[int, list[GraphOperator]] = {}
        self._outputs = {tensor.index for tensor in graph.outputs}
        for op in graph.operators:
            for index in {tensor.index for tensor in op.inputs if tensor is not None}:
                self._readers.setdefault(index, []).append(op)

    def maker(self, tensor: GraphTensor | None, name: str) -> GraphOperator | None:
        """Return the operator that makes *tensor* if it has this *name*, else None."""
        op = None if tensor is None else self._makers.get(tensor.index)
        return op if op is not None and op.name == name else None

    def readers(self, tensor: GraphTensor) -> tuple[GraphOperator, ...]:
        """Return the operators that read *tensor*; empty also if it is an output of the model, and so must stay."""
        return () if tensor.index in self._outputs else tuple(self._readers.get(tensor.index, ()))
