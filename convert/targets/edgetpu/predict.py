"""Predicting what the Edge TPU compiler will do with a model, operator by operator."""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.targets.edgetpu.graph import Graph, GraphOperator, read_graph
from detlite.convert.targets.edgetpu.partition import partition
from detlite.convert.targets.edgetpu.placeholder import refuse_placeholder
from detlite.convert.targets.edgetpu.reasons import MAPPED, SUBGRAPHS
from detlite.convert.targets.edgetpu.refusals import Refusal, refusal_of
from detlite.convert.targets.edgetpu.rules import rule_against
from detlite.convert.tflite.tensors import EDGETPU
from detlite.runtime.errors import InputError


@dataclass(frozen=True)
class Fate:
    """Where an operator will run, and why.

    Attributes:
        index: its place in the file.
        name: the builtin's, or a custom operator's own.
        mapped: whether it will run on the Edge TPU.
        reason: `MAPPED`, or why it will not map, in the compiler's words.
        rule: the rule that applies, in our words; empty if none does.
        cure: what to do; empty if it is mapped.
        subgraph: the index of the Edge TPU subgraph; None on the CPU.
    """

    index: int
    name: str
    mapped: bool
    reason: str
    rule: str = ""
    cure: str = ""
    subgraph: int | None = None


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the compiler will do according to the rules; it may cut more if a compile fails for other reasons.

    Attributes:
        graph: the model.
        fates: one per operator, in file order.
        subgraphs: the number of Edge TPU subgraphs.
        refusal: why the whole file is refused, in which case no operator is mapped.
        multiple_subgraphs: whether the compiler may make more than one.
    """

    graph: Graph
    fates: tuple[Fate, ...]
    subgraphs: int
    refusal: Refusal | None
    multiple_subgraphs: bool

    @property
    def mapped(self) -> tuple[GraphOperator, ...]:
        """The operators that will run on the Edge TPU, in file order."""
        return tuple(op for op, fate in zip(self.graph.operators, self.fates, strict=True) if fate.mapped)

    @property
    def unmapped_count(self) -> int:
        """The number of operators that will run on the CPU."""
        return sum(not fate.mapped for fate in self.fates)


def predict(data: bytes, name: str, *, multiple_subgraphs: bool = False) -> Prediction:
    """Predict what the compiler will do with the .tflite file *data*; errors call it *name*.

    Args:
        data: the whole file.
        name: for messages.
        multiple_subgraphs: as if compiled with `--enable_multiple_subgraphs`.

    Raises:
        InputError: it is damaged, a placeholder, or already compiled.
    """
    refuse_placeholder(data, name)
    graph = read_graph(data, name)
    if any(op.name == EDGETPU for op in graph.operators):
        raise InputError(f"{name} is already compiled for the Edge TPU: give the model that it was compiled from")
    return predict_graph(graph, multiple_subgraphs=multiple_subgraphs)


def predict_graph(graph: Graph, *, multiple_subgraphs: bool = False) -> Prediction:
    """Predict what the compiler will do with *graph*; see `predict`."""
    refusal = refusal_of(graph)
    alone = [_alone(op) for op in graph.operators]
    if refusal is not None:
        line = refusal.text.splitlines()[0]
        fates = [_refused(fate, line, refusal.cure) for fate in alone]
        return Prediction(graph, tuple(fates), 0, refusal, multiple_subgraphs)
    subsets = [s for s in partition(graph, [fate.mapped for fate in alone]) if s.supported]
    kept = subsets if multiple_subgraphs else subsets[:1]
    number = {index: place for place, subset in enumerate(kept) for index in subset.operators}
    fates = [_placed(fate, number.get(fate.index)) for fate in alone]
    return Prediction(graph, tuple(fates), len(kept), None, multiple_subgraphs)


def _alone(op: GraphOperator) -> Fate:
    rule = rule_against(op)
    if rule is None:
        return Fate(op.index, op.name, mapped=True, reason=MAPPED)
    return Fate(
        op.index, op.name, mapped=False, reason=rule.reason.text, rule=rule.what, cure=rule.cure or rule.reason.cure
    )


def _placed(fate: Fate, subgraph: int | None) -> Fate:
    if not fate.mapped:
        return fate
    if subgraph is None:
        return Fate(
            fate.index,
            fate.name,
            mapped=False,
            reason=SUBGRAPHS.text,
            rule="not in the first subgraph",
            cure=SUBGRAPHS.cure,
        )
    return Fate(fate.index, fate.name, mapped=True, reason=MAPPED, subgraph=subgraph)


def _refused(fate: Fate, text: str, cure: str) -> Fate:
    if not fate.mapped:
        return fate
    return Fate(fate.index, fate.name, mapped=False, reason=text, rule="the whole file is refused", cure=cure)
