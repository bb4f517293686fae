"""Replacing operators of a .tflite in place, so that the file stays in execution order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.edit import ONE_BYTE_CODES, Edit
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.prune import drop_unused
from detlite.convert.tflite.tensors import main_subgraph, name_of


class Rewrite:
    """A model whose operators are being replaced; `data` is the resulting file.

    Attributes:
        model: the loaded model.
        subgraph: its one subgraph.
        edit: adds tensors and constants.
        operators: the original operators, by index.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.model = load(data, "the model")
        self.subgraph = main_subgraph(self.model)
        self.edit = Edit(self.model, self.subgraph)
        self.operators: list[Any] = list(self.subgraph.operators)
        self._read = {int(index) for operator in self.operators for index in operator.inputs}
        self._instead: dict[int, list[Any]] = {}

    def operator(self, builtin: int, inputs: list[int], outputs: list[int], *, version: int = 1) -> Any:
        """Return a new operator, for use with `replace`."""
        made = self.edit.operator(builtin, inputs, outputs)
        made.opcodeIndex = self._code(builtin, version)
        self.subgraph.operators.remove(made)
        return made

    def _code(self, builtin: int, version: int) -> int:
        """Return the operator code of exactly this version: the compiler may refuse a newer one."""
        codes = self.model.operatorCodes
        for number, code in enumerate(codes):
            if (code.builtinCode, code.version) == (builtin, version):
                return number
        from ai_edge_litert.schema_py_generated import OperatorCodeT

        made = OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode = builtin, min(builtin, ONE_BYTE_CODES)
        made.version = version
        codes.append(made)
        return len(codes) - 1

    def replace(self, place: int, operators: list[Any]) -> None:
        """Replace the operator at *place* by *operators*."""
        self._instead[place] = operators

    def data(self) -> bytes:
        """Return the file after all replacements, without what is no longer read; appended files stay."""
        self.subgraph.operators = [
            made for place, old in enumerate(self.operators) for made in self._instead.get(place, [old])
        ]
        self._drop_dead()
        drop_unused(self.model)
        return with_files(dump(self.model), appended_files(self._data))

    def _drop_dead(self) -> None:
        """Drop the operators whose outputs are no longer read; operators that were dead before stay."""
        needed, kept = {int(index) for index in self.subgraph.outputs}, []
        for operator in reversed(self.subgraph.operators):
            outputs = {int(index) for index in operator.outputs}
            if outputs & needed or not outputs & self._read:
                needed |= {int(index) for index in operator.inputs}
                kept.append(operator)
        self.subgraph.operators = kept[::-1]


def with_unique_names(data: bytes) -> bytes:
    """Return the model *data* with a unique name for each tensor; unchanged if they have one.

    The first tensor of a name keeps it: writers leave names empty, and converters repeat some.
    """
    model = load(data, "the model")
    tensors = main_subgraph(model).tensors
    taken: set[str] = {""}
    double = []
    for index, tensor in enumerate(tensors):
        name = name_of(tensor)
        if name in taken:
            double.append(index)
        taken.add(name)
    for index in double:
        tensors[index].name = next(name for name in _numbered(index) if name not in taken)
        taken.add(tensors[index].name)
    return with_files(dump(model), appended_files(data)) if double else data


def _numbered(index: int) -> Iterator[str]:
    return (f"tensor_{index}{'_' * more}" for more in count())
