"""An open .tflite file: parsed once, changed in place by one pass after another, and written once."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from detlite.convert.tflite.appended import appended_files, with_files
from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.tensors import main_subgraph
from detlite.runtime.runners.interpreter import Opened, open_interpreter


class TfliteFile:
    """An open .tflite file.

    It is parsed when its model is first read, and written when its bytes are read after a change; without a
    change, the bytes are the given ones.

    Attributes:
        name: the file's name in errors.
    """

    def __init__(self, data: bytes, name: str = "the model") -> None:
        """Open the file *data*."""
        self.name = name
        self._data: bytes | None = data
        self._appended: Mapping[str, bytes] | None = None

    @cached_property
    def model(self) -> Any:
        """The `ModelT` of the file, see `flatbuffer.load`; to change it, get it from `edit`.

        Raises:
            InputError: the file is damaged.
        """
        assert self._data is not None
        return load(self._data, self.name)

    @property
    def subgraph(self) -> Any:
        """The one subgraph of a detector; errors as `model` and `main_subgraph`."""
        return main_subgraph(self.model)

    @property
    def appended(self) -> Mapping[str, bytes]:
        """The files that are appended to the model, by name; errors as `appended_files`."""
        if self._appended is None:
            assert self._data is not None
            self._appended = appended_files(self._data)
        return self._appended

    @property
    def data(self) -> bytes:
        """The current bytes of the file."""
        if self._data is None:
            assert self._appended is not None
            self._data = with_files(dump(self.model), self._appended)
        return self._data

    def edit(self, *, keep_appended: bool = False) -> Any:
        """Return the `ModelT`, to be changed in place before any other use of the file.

        Appended files describe the unchanged model and are dropped, unless *keep_appended*.
        """
        model = self.model
        self._appended = self.appended if keep_appended else {}
        self._data = None
        return model

    def copy(self) -> TfliteFile:
        """Return an independent copy of the file, without parsing it."""
        made = TfliteFile(b"", self.name)
        made._data, made._appended = self._data, self._appended
        made.__dict__["model"] = copied(self.model)  # the value that the cached property would compute
        return made

    def interpreter(self) -> Opened:
        """Return the model, open in this machine's interpreter; errors as `open_interpreter`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.tflite"
            path.write_bytes(self.data)
            return open_interpreter(path)


def copied(model: Any) -> Any:
    """Return an editable copy of a `ModelT`; it shares the weights, which are only replaced, never changed."""
    made = copy.copy(model)
    made.operatorCodes = list(model.operatorCodes)
    made.buffers = [copy.copy(buffer) for buffer in model.buffers]
    made.metadata = [copy.copy(item) for item in model.metadata]
    made.subgraphs = [_copied_subgraph(subgraph) for subgraph in model.subgraphs]
    made.signatureDefs = [copy.copy(signature) for signature in model.signatureDefs]
    for signature in made.signatureDefs:
        signature.inputs = [copy.copy(entry) for entry in signature.inputs]
        signature.outputs = [copy.copy(entry) for entry in signature.outputs]
    return made


def _copied_subgraph(subgraph: Any) -> Any:
    made = copy.copy(subgraph)
    made.tensors = [copy.copy(tensor) for tensor in subgraph.tensors]
    made.inputs, made.outputs = list(subgraph.inputs), list(subgraph.outputs)
    made.operators = [copy.copy(operator) for operator in subgraph.operators]
    for operator in made.operators:
        operator.inputs, operator.outputs = list(operator.inputs), list(operator.outputs)
        operator.builtinOptions = copy.copy(operator.builtinOptions)
    return made
