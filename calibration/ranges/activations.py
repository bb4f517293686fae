"""A model that returns its inner activations: what noise and moments are measured on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.tflite.flatbuffer import dump, load
from detlite.convert.tflite.tensors import main_subgraph, name_of
from detlite.runtime.runners.interpreter import Opened, open_interpreter


class Returning:
    """A model that returns the activations that are wanted.

    Attributes:
        tensors: the names of those that it has.
    """

    def __init__(self, opened: Opened, tensors: Mapping[str, int]) -> None:
        self._opened, self.tensors = opened, tensors

    def run(self, sample: NDArray[Any]) -> Callable[[str], NDArray[np.float32]]:
        """Run the model on *sample*, and return what gives a tensor's real values by its name."""
        self._opened.set_input(self._opened.inputs[0]["index"], sample)
        self._opened.invoke()
        return self._real

    def _real(self, name: str) -> NDArray[np.float32]:
        detail = self._opened.outputs[self.tensors[name]]
        value: NDArray[Any] = self._opened.interpreter.get_tensor(detail["index"])
        if value.dtype == np.float32:
            return value
        scale, zero_point = detail["quantization"]
        real: NDArray[np.float32] = (value.astype(np.float32) - zero_point) * np.float32(scale)
        return real


@contextmanager
def returning(data: bytes, names: Sequence[str]) -> Iterator[Returning]:
    """Give the model *data*, opened, as one that returns those tensors of *names* that it has."""
    model = load(data, "the model")
    subgraph = main_subgraph(model)
    by_name = {name_of(tensor): index for index, tensor in enumerate(subgraph.tensors)}
    known = [name for name in names if name in by_name]
    subgraph.outputs, model.signatureDefs = [by_name[name] for name in known], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "returning.tflite"
        path.write_bytes(dump(model))
        yield Returning(open_interpreter(path), {name: place for place, name in enumerate(known)})
