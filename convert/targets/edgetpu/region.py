"""Extracting a part of a model as a separate model."""

from __future__ import annotations

from collections.abc import Sequence

from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import main_subgraph, name_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError


def region(data: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Return the part of the .tflite file *data* that computes the tensors *outputs* from *inputs*, by name.

    Raises:
        InputError: a name fits no tensor, or several.
    """
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    numbers: dict[str, list[int]] = {}
    for number, tensor in enumerate(subgraph.tensors):
        numbers.setdefault(name_of(tensor), []).append(number)
    for name in (*inputs, *outputs):
        if len(numbers.get(name, ())) != 1:
            raise InputError(
                f"{counted(len(numbers.get(name, ())), 'tensor is', 'tensors are')} called {name!r:.80}; expected one"
            )
    subgraph.inputs = [numbers[name][0] for name in inputs]
    subgraph.outputs = [numbers[name][0] for name in outputs]
    needed, kept = set(subgraph.outputs), []
    for operator in reversed(subgraph.operators):
        if needed & {int(index) for index in operator.outputs}:
            needed |= {int(index) for index in operator.inputs} - set(subgraph.inputs)
            kept.append(operator)
    subgraph.operators = kept[::-1]
    model.signatureDefs, model.metadata = [], []
    drop_unused(model)
    return dump(model)
