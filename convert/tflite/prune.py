"""Dropping leftovers of an edit: tensors, operator codes and buffers that nothing references any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detlite.convert.tflite.tensors import main_subgraph

EMPTY = 0  # the schema's buffer for everything that is not a constant


def drop_unused(model: Any) -> None:
    """Drop tensors, operator codes and buffers that no operator, input, output, signature or metadata references."""
    subgraph = main_subgraph(model)
    _drop_tensors(model, subgraph)
    number = _numbers(operator.opcodeIndex for operator in subgraph.operators)
    model.operatorCodes = [model.operatorCodes[old] for old in number]
    for operator in subgraph.operators:
        operator.opcodeIndex = number[operator.opcodeIndex]
    holders = [*subgraph.tensors, *model.metadata]
    model_wide = [] if model.metadataBuffer is None else [int(index) for index in model.metadataBuffer]
    number = _numbers([EMPTY, *model_wide, *(holder.buffer for holder in holders)])
    model.buffers = [model.buffers[old] for old in number]
    for holder in holders:
        holder.buffer = number[holder.buffer]
    if model.metadataBuffer is not None:
        model.metadataBuffer = [number[index] for index in model_wide]


def share_buffers(model: Any) -> None:
    """Let all constants with the same bytes read one buffer, and drop the others; a tensor keeps its own scales."""
    first: dict[bytes, int] = {}
    for tensor in main_subgraph(model).tensors:
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data):
            tensor.buffer = first.setdefault(bytes(data), tensor.buffer)
    drop_unused(model)


def operators_for(subgraph: Any, wanted: Iterable[int]) -> list[Any]:
    """Return the operators of *subgraph* needed to compute the tensors *wanted*, in their order."""
    needed, kept = set(wanted), []
    for operator in reversed(subgraph.operators):  # a model's operators are in execution order
        if needed & set(operator.outputs):
            needed |= set(operator.inputs)
            kept.append(operator)
    return kept[::-1]


def _drop_tensors(model: Any, subgraph: Any) -> None:
    lists = [subgraph.inputs, subgraph.outputs]
    for operator in subgraph.operators:
        lists += [operator.inputs, operator.outputs]
        if operator.intermediates is not None:  # of an LSTM
            operator.intermediates = [int(index) for index in operator.intermediates]
            lists.append(operator.intermediates)
    maps = [entry for signature in model.signatureDefs for entry in (*signature.inputs, *signature.outputs)]
    number = _numbers(index for indices in [*lists, [entry.tensorIndex for entry in maps]] for index in indices)
    subgraph.tensors = [subgraph.tensors[old] for old in number]
    for indices in lists:
        indices[:] = [number.get(index, -1) for index in indices]  # -1: an omitted input
    for entry in maps:
        entry.tensorIndex = number[entry.tensorIndex]


def _numbers(used: Iterable[int]) -> dict[int, int]:
    """Return the new number of each used index, in the old order."""
    return {old: new for new, old in enumerate(sorted({index for index in used if index >= 0}))}
